"""Words, events, imports, agreements; predictions with outcomes and feedback; alerts with deliveries; forecasts."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "store_1"
down_revision = None
branch_labels = None
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STATES = ("status", "waiting_on", "priority", "service", "category", "team", "assignee", "customer", "channel")
_APPEND_ONLY = ("words", "ticket_events", "service_events", "agreements", "predictions", "outcomes", "feedback")
_APPEND_ONLY_TOO = ("alerts", "deliveries", "forecasts")


def upgrade() -> None:
    _create("words", "word_id", ["digest"], texts=["text"], counts=False)
    op.create_index("words_digest", "words", ["digest"])
    _create("imports", "import_id", ["inserted", "duplicates"], maybe=["imported_at"], texts=["source", "kind"])
    _create_events("ticket_events", ["ticket_id"], ["kind"], (*_STATES, "actor_kind"))
    _create_events("service_events", ["service", "kind", "phase"], [], ["severity"], ["value"])
    _create("agreements", "version", ["saved_at"], texts=["sha256", "text"])
    _create_predictions()
    _create_outcomes()
    _create_feedback()
    _create_alerts()
    _create_deliveries()
    _create_forecasts()
    for table in (*_APPEND_ONLY, *_APPEND_ONLY_TOO):
        _forbid_changes(table)


def downgrade() -> None:
    raise NotImplementedError("events are facts: restore a backup instead")


def _create_predictions() -> None:
    words, maybe = ["ticket_id", "target", "state"], ["bundle_version"]
    _create(
        "predictions",
        "prediction_id",
        [*words, "scored_at", "snapshot_at"],
        flags=["is_shadow"],
        maybe=maybe,
        numbers=["probability"],
        maybe_texts=["reasons"],
    )
    op.create_index(
        "predictions_in_force", "predictions", ["ticket_id", "target", "is_shadow", "scored_at", "prediction_id"]
    )
    shown = ("prediction_id", "is_shadow", "scored_at", "snapshot_at", "probability", "reasons")
    _create_view("predictions", shown, (*words, *maybe))


def _create_outcomes() -> None:
    words = ("ticket_id", "target", "state")
    instants, amounts = ("started_at", "due_at", "stopped_at", "breached_at"), ("target_us", "elapsed_us")
    _create(
        "outcomes",
        "outcome_id",
        [*words, "measurement", "known_at"],
        flags=["breached"],
        maybe=["agreement", *instants, *amounts],
    )
    op.create_index("outcomes_in_force", "outcomes", ["ticket_id", "target", "measurement", "known_at", "outcome_id"])
    columns = ("outcome_id", "measurement", "known_at", "breached", *instants, *amounts)
    _create_view("outcomes", columns, (*words, "agreement"))


def _create_feedback() -> None:
    said = ("ticket_id", "given_by", "verdict")
    _create(
        "feedback",
        "feedback_id",
        [*said, "given_at"],
        texts=["key"],
        maybe=["target", "prediction_id"],
        maybe_texts=["comment"],
    )
    op.create_index("feedback_key", "feedback", ["key"], unique=True)
    op.create_index("feedback_ticket_id", "feedback", ["ticket_id"])
    _create_view(
        "feedback", ("feedback_id", "key", "given_at", "prediction_id", "comment"), ("ticket_id", *said[1:], "target")
    )


def _create_alerts() -> None:
    words = ("rule", "subject_kind", "subject", "event")
    _create(
        "alerts",
        "alert_id",
        [*words, "raised_at"],
        texts=["key", "message"],
        maybe=["severity"],
        maybe_texts=["details"],
    )
    op.create_index("alerts_key", "alerts", ["key"], unique=True)
    op.create_index("alerts_subject", "alerts", ["subject", "rule"])
    _create_view("alerts", ("alert_id", "key", "raised_at", "message", "details"), (*words, "severity"))


def _create_deliveries() -> None:
    sent = ["alert_id", "channel", "state", "attempted_at"]
    _create("deliveries", "delivery_id", sent, maybe=["retry_at"], maybe_texts=["detail"])
    op.create_index("deliveries_alert", "deliveries", ["alert_id", "channel", "delivery_id"])
    _create_view("deliveries", ("delivery_id", "alert_id", "attempted_at", "retry_at", "detail"), ("channel", "state"))


def _create_forecasts() -> None:
    plain, named = ("made_at", "period_start", "period_end"), ("series", "subject")
    _create("forecasts", "forecast_id", [*named, *plain], needed_numbers=["quantile", "value"], maybe=["model_version"])
    identity = ["series", "subject", "made_at", "period_start", "quantile"]
    op.create_index("forecasts_identity", "forecasts", identity, unique=True)
    _create_view("forecasts", ("forecast_id", *plain, "quantile", "value"), (*named, "model_version"))


def _create(
    table: str,
    key: str,
    wholes: Sequence[str],
    *,
    flags: Sequence[str] = (),
    texts: Sequence[str] = (),
    needed_numbers: Sequence[str] = (),
    maybe: Sequence[str] = (),
    numbers: Sequence[str] = (),
    maybe_texts: Sequence[str] = (),
    counts: bool = True,
) -> None:
    op.create_table(
        table,
        sa.Column(key, _SEQUENCE, primary_key=True, autoincrement=counts),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in wholes),
        *(sa.Column(name, sa.Boolean(), nullable=False) for name in flags),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        *(sa.Column(name, sa.Float(), nullable=False) for name in needed_numbers),
        *(sa.Column(name, sa.BigInteger()) for name in maybe),
        *(sa.Column(name, sa.Float()) for name in numbers),
        *(sa.Column(name, sa.Text()) for name in maybe_texts),
    )


def _create_events(
    table: str, named_by: Sequence[str], needed: Sequence[str], words: Sequence[str], numbers: Sequence[str] = ()
) -> None:
    _create(
        table,
        "sequence",
        [*named_by, *needed, "event_at", "recorded_at"],
        maybe=["ordinal", *words, "attributes"],
        numbers=numbers,
        maybe_texts=["event_id"],
    )
    identity = [named_by[0], "event_at", *named_by[1:], "ordinal"]
    op.create_index(f"{table}_identity", table, identity, unique=True)
    has_own = sa.text("event_id IS NOT NULL")
    op.create_index(
        f"{table}_event_id", table, ["event_id"], unique=True, sqlite_where=has_own, postgresql_where=has_own
    )
    made = " || '/' || ".join([*(f"w_{name}.text" for name in named_by), _stamp(), _padded("e.ordinal", 3)])
    plain = ("sequence", "event_at", "recorded_at", *numbers)
    _create_view(table, plain, (*named_by, *needed, *words, "attributes"), f"coalesce(e.event_id, {made}) AS event_id")


def _stamp() -> str:
    seconds, fraction = "e.event_at / 1000000", _padded("e.event_at % 1000000", 6)
    if _is_sqlite():
        return f"strftime('%Y%m%dT%H%M%S', {seconds}, 'unixepoch') || {fraction}"
    return f"to_char(to_timestamp({seconds}) AT TIME ZONE 'UTC', 'YYYYMMDD\"T\"HH24MISS') || {fraction}"


def _padded(number: str, digits: int) -> str:
    return f"printf('%0{digits}d', {number})" if _is_sqlite() else f"lpad(({number})::text, {digits}, '0')"


def _create_view(table: str, plain: Sequence[str], words: Sequence[str], also: str = "") -> None:
    shown = [
        *(f"e.{name}" for name in plain),
        *([also] if also else []),
        *(f"w_{name}.text AS {name}" for name in words),
    ]
    joins = " ".join(f"LEFT JOIN words w_{name} ON w_{name}.word_id = e.{name}" for name in words)
    op.execute(sa.text(f"CREATE VIEW {table}_text AS SELECT {', '.join(shown)} FROM {table} e {joins}"))  # noqa: S608 - our own names


def _forbid_changes(table: str) -> None:
    if _is_sqlite():
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{table} is append-only'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_is_append_only()"
    )


def _is_sqlite() -> bool:
    return bool(op.get_bind().dialect.name == "sqlite")
