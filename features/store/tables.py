"""The tables as the code sees them; features/store/migrations is what makes them.

Texts that repeat are stored once, in `words`, and rows hold numbers: a tenth of the size and several times as quick as texts
in every row. The `*_text` views show the same rows in words. What a column holds is in its `info`: see `held_by`.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, MetaData, Table, Text
from sqlalchemy.types import TypeEngine

metadata: Final = MetaData()

WORD, INSTANT, WHOLE, NUMBER, TEXT, FLAG = "word", "instant", "whole", "number", "text", "flag"
_TYPES: Final[dict[str, type[TypeEngine[Any]]]] = {
    WORD: BigInteger,  # the number of a text in `words`
    INSTANT: BigInteger,  # microseconds since 1970 UTC
    WHOLE: BigInteger,
    NUMBER: Float,
    TEXT: Text,
    FLAG: Boolean,
}


def held_by(column: Column[Any]) -> str:
    """What the column holds: WORD, INSTANT, WHOLE, NUMBER, TEXT or FLAG."""
    return str(column.info["holds"])


def key_of(table: Table) -> Column[Any]:
    """The column that numbers the rows in the order of commits."""
    return next(iter(table.primary_key.columns))


def _sequence(name: str, *, is_given: bool = False) -> Column[Any]:
    # SQLite hands out ascending row numbers only to a column of exactly the type INTEGER.
    number = BigInteger().with_variant(Integer, "sqlite")
    return Column(name, number, primary_key=True, autoincrement=not is_given, info={"holds": WHOLE})


def _columns(holds: str, *names: str, optional: bool = False) -> list[Column[Any]]:
    return [Column(name, _TYPES[holds], nullable=optional, info={"holds": holds}) for name in names]


words: Final = Table(
    "words",
    metadata,
    _sequence("word_id", is_given=True),
    *_columns(WHOLE, "digest"),  # of the text, 64 bits: an index on long texts would be as long as they are
    *_columns(TEXT, "text"),
    Index("words_digest", "digest"),
)

imports: Final = Table(
    "imports",
    metadata,
    _sequence("import_id"),
    *_columns(INSTANT, "imported_at", optional=True),
    *_columns(TEXT, "source", "kind"),  # kind: the table that was appended to
    *_columns(WHOLE, "inserted", "duplicates"),
)


def _events(name: str, subject: str, kinds: tuple[str, ...], *others: Column[Any]) -> Table:
    """An event is named by subject, kinds, instant and ordinal (features/store/identity.py), or by a text of its own."""
    table = Table(
        name,
        metadata,
        _sequence("sequence"),
        *_columns(WORD, subject),
        *_columns(INSTANT, "event_at"),
        *_columns(WHOLE, "ordinal", optional=True),
        *_columns(INSTANT, "recorded_at"),
        *others,
        *_columns(WORD, "attributes", optional=True),  # a JSON object of texts, keys sorted; a missing one is absent
        *_columns(TEXT, "event_id", optional=True),  # missing where subject, kinds, instant and ordinal say it
    )
    Index(f"{name}_identity", *(table.c[part] for part in (subject, "event_at", *kinds, "ordinal")), unique=True)
    has_own = table.c.event_id.is_not(None)
    Index(f"{name}_event_id", table.c.event_id, unique=True, sqlite_where=has_own, postgresql_where=has_own)
    return table


ticket_events: Final = _events(
    "ticket_events",
    "ticket_id",
    (),
    *_columns(WORD, "kind"),
    *_columns(WORD, "status", "waiting_on", "priority", "service", "category", "team", optional=True),
    *_columns(WORD, "assignee", "customer", "channel", "actor_kind", optional=True),
)

service_events: Final = _events(
    "service_events",
    "service",
    ("kind", "phase"),
    *_columns(WORD, "kind", "phase"),
    *_columns(WORD, "severity", optional=True),
    *_columns(NUMBER, "value", optional=True),
)

agreements: Final = Table(
    "agreements", metadata, _sequence("version"), *_columns(INSTANT, "saved_at"), *_columns(TEXT, "sha256", "text")
)

predictions: Final = Table(
    "predictions",
    metadata,
    _sequence("prediction_id"),
    *_columns(WORD, "ticket_id", "target"),
    *_columns(FLAG, "is_shadow"),  # said by a challenger: judged later, shown to no one
    *_columns(INSTANT, "scored_at", "snapshot_at"),
    *_columns(WORD, "bundle_version", optional=True),  # missing: the rules alone spoke
    *_columns(WORD, "state"),
    *_columns(NUMBER, "probability", optional=True),
    *_columns(TEXT, "reasons", optional=True),  # JSON
    *_columns(INSTANT, "due_at", optional=True),  # missing: no target, or nobody knows while the clock stands still
    Index("predictions_in_force", "ticket_id", "target", "is_shadow", "scored_at", "prediction_id"),
)

outcomes: Final = Table(
    "outcomes",
    metadata,
    _sequence("outcome_id"),
    *_columns(WORD, "ticket_id", "target"),
    *_columns(WHOLE, "measurement"),
    *_columns(INSTANT, "known_at"),
    *_columns(WORD, "state"),
    *_columns(FLAG, "breached"),
    *_columns(WORD, "agreement", optional=True),
    *_columns(INSTANT, "started_at", "due_at", "stopped_at", "breached_at", optional=True),
    *_columns(WHOLE, "target_us", "elapsed_us", optional=True),
    Index("outcomes_in_force", "ticket_id", "target", "measurement", "known_at", "outcome_id"),
)

feedback: Final = Table(
    "feedback",
    metadata,
    _sequence("feedback_id"),
    *_columns(TEXT, "key"),
    *_columns(WORD, "ticket_id"),
    *_columns(WORD, "target", optional=True),
    *_columns(INSTANT, "given_at"),
    *_columns(WORD, "given_by", "verdict"),
    *_columns(WHOLE, "prediction_id", optional=True),
    *_columns(TEXT, "comment", optional=True),
    Index("feedback_key", "key", unique=True),
    Index("feedback_ticket_id", "ticket_id"),
)

alerts: Final = Table(
    "alerts",
    metadata,
    _sequence("alert_id"),
    *_columns(TEXT, "key"),
    *_columns(WORD, "rule", "subject_kind", "subject", "event"),
    *_columns(INSTANT, "raised_at"),
    *_columns(WORD, "severity", optional=True),
    *_columns(TEXT, "message"),
    *_columns(TEXT, "details", optional=True),  # JSON
    Index("alerts_key", "key", unique=True),
    Index("alerts_subject", "subject", "rule"),
)

deliveries: Final = Table(
    "deliveries",
    metadata,
    _sequence("delivery_id"),
    *_columns(WHOLE, "alert_id"),
    *_columns(WORD, "channel", "state"),
    *_columns(INSTANT, "attempted_at"),
    *_columns(INSTANT, "retry_at", optional=True),
    *_columns(TEXT, "detail", optional=True),
    Index("deliveries_alert", "alert_id", "channel", "delivery_id"),
)

outbox: Final = Table(  # rows are removed when an alert is delivered or given up
    "outbox",
    metadata,
    _sequence("outbox_id"),
    *_columns(WHOLE, "alert_id"),
    *_columns(WORD, "channel"),
    *_columns(WHOLE, "attempts"),  # that failed so far
    *_columns(INSTANT, "due_at"),
    Index("outbox_alert", "alert_id", "channel", unique=True),
    Index("outbox_due", "channel", "due_at"),
)

forecasts: Final = Table(
    "forecasts",
    metadata,
    _sequence("forecast_id"),
    *_columns(WORD, "series", "subject"),
    *_columns(INSTANT, "made_at", "period_start", "period_end"),
    *_columns(NUMBER, "quantile", "value"),
    *_columns(WORD, "model_version", optional=True),
    Index("forecasts_identity", "series", "subject", "made_at", "period_start", "quantile", unique=True),
)

suggestions: Final = Table(
    "suggestions",
    metadata,
    _sequence("suggestion_id"),
    *_columns(WORD, "team", "ticket_id"),
    *_columns(INSTANT, "suggested_at"),
    *_columns(WHOLE, "place"),
    *_columns(FLAG, "is_shown"),
    Index("suggestions_identity", "team", "suggested_at", "place", unique=True),
    Index("suggestions_at", "suggested_at"),
)

access_keys: Final = Table(
    "access_keys",
    metadata,
    _sequence("key_id"),
    *_columns(TEXT, "prefix", "name", "role", "hashed", "created_by"),
    *_columns(TEXT, "teams", "services"),  # JSON lists
    *_columns(INSTANT, "created_at"),
    *_columns(INSTANT, "expires_at", optional=True),
    Index("access_keys_prefix", "prefix", unique=True),
)

key_revocations: Final = Table(
    "key_revocations",
    metadata,
    _sequence("revocation_id"),
    *_columns(TEXT, "prefix", "revoked_by"),
    *_columns(INSTANT, "revoked_at"),
    Index("key_revocations_prefix", "prefix", unique=True),
)

sessions: Final = Table(  # rows are removed when a session ends
    "sessions",
    metadata,
    _sequence("session_id"),
    *_columns(TEXT, "digest", "holder"),  # holder: JSON
    *_columns(INSTANT, "begun_at", "expires_at"),
    Index("sessions_digest", "digest", unique=True),
)

audit: Final = Table(
    "audit",
    metadata,
    _sequence("audit_id"),
    *_columns(TEXT, "actor", "action", "subject"),
    *_columns(INSTANT, "at"),
    *_columns(TEXT, "state_before", "state_after", "origin", optional=True),  # states: JSON
    Index("audit_at", "at"),
)

idempotency: Final = Table(  # rows are removed after two days
    "idempotency",
    metadata,
    _sequence("answer_id"),
    *_columns(TEXT, "caller", "key", "digest", "body"),
    *_columns(WHOLE, "status"),
    *_columns(INSTANT, "at"),
    Index("idempotency_key", "caller", "key", unique=True),
    Index("idempotency_at", "at"),
)

leases: Final = Table(  # rows change hands
    "leases",
    metadata,
    _sequence("lease_id"),
    *_columns(TEXT, "name", "holder"),
    *_columns(WHOLE, "turn"),
    *_columns(INSTANT, "acquired_at", "renewed_at", "expires_at"),
    Index("leases_name", "name", unique=True),
)

jobs: Final = Table(  # rows are what is known of a job, and change until it ended
    "jobs",
    metadata,
    _sequence("job_id"),
    *_columns(TEXT, "kind", "arguments", "asked_by", "state"),  # arguments: JSON
    *_columns(FLAG, "is_short"),
    *_columns(INSTANT, "asked_at"),
    *_columns(INSTANT, "started_at", "seen_at", "cancel_asked_at", "ended_at", optional=True),
    *_columns(TEXT, "holder", "step", "problem", "result", optional=True),  # result: JSON
    *_columns(NUMBER, "progress", optional=True),
    *_columns(WHOLE, "exit_code", optional=True),
    Index("jobs_state", "state", "job_id"),
)

marks: Final = Table(  # what people noted about tickets; the last of a ticket, kind and holder holds
    "marks",
    metadata,
    _sequence("mark_id"),
    *_columns(TEXT, "ticket_id", "kind", "made_by", "text"),
    *_columns(INSTANT, "made_at"),
    *_columns(INSTANT, "until_at", optional=True),
    Index("marks_ticket", "ticket_id", "kind", "mark_id"),
)

saved_views: Final = Table(  # the last of an owner and name holds
    "saved_views",
    metadata,
    _sequence("view_id"),
    *_columns(TEXT, "owner", "name", "query"),
    *_columns(INSTANT, "saved_at"),
    Index("saved_views_owner", "owner", "name", "view_id"),
)
