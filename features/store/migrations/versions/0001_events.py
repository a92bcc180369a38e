"""Words, events, imports and agreements."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TICKET_WORDS = (
    ("ticket_id", "kind"),
    (
        "status",
        "waiting_on",
        "priority",
        "service",
        "category",
        "team",
        "assignee",
        "customer",
        "channel",
        "actor_kind",
        "attributes",
    ),
)
_SERVICE_WORDS = (("service", "kind", "phase"), ("severity", "attributes"))
_APPEND_ONLY = ("words", "ticket_events", "service_events", "agreements")


def upgrade() -> None:
    op.create_table(
        "words",
        sa.Column("word_id", _SEQUENCE, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.UniqueConstraint("digest", name="words_digest"),
    )
    op.create_table(
        "imports",
        sa.Column("import_id", _SEQUENCE, primary_key=True),
        sa.Column("imported_at", sa.BigInteger()),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("inserted", sa.BigInteger(), nullable=False),
        sa.Column("duplicates", sa.BigInteger(), nullable=False),
    )
    _create_events("ticket_events", "ticket_id", _TICKET_WORDS, ())
    _create_events("service_events", "service", _SERVICE_WORDS, ("value",))
    op.create_table(
        "agreements",
        sa.Column("version", _SEQUENCE, primary_key=True),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
    )
    for table in _APPEND_ONLY:
        _forbid_changes(table)


def downgrade() -> None:
    raise NotImplementedError("events are facts: restore a backup instead")


def _create_events(
    table: str, subject: str, words: tuple[tuple[str, ...], tuple[str, ...]], numbers: tuple[str, ...]
) -> None:
    required, optional = words
    op.create_table(
        table,
        sa.Column("sequence", _SEQUENCE, primary_key=True),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("event_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in required),
        *(sa.Column(name, sa.BigInteger()) for name in optional),
        *(sa.Column(name, sa.Float()) for name in numbers),
        sa.UniqueConstraint("event_id", name=f"{table}_event_id"),
    )
    op.create_index(f"{table}_{subject}", table, [subject])
    _create_view(table, (*required, *optional), numbers)


def _create_view(table: str, words: tuple[str, ...], numbers: tuple[str, ...]) -> None:
    plain = ", ".join(f"e.{name}" for name in ("sequence", "event_id", "event_at", "recorded_at", *numbers))
    spelled = ", ".join(f"w_{name}.text AS {name}" for name in words)
    joins = " ".join(f"LEFT JOIN words w_{name} ON w_{name}.word_id = e.{name}" for name in words)
    op.execute(f"CREATE VIEW {table}_text AS SELECT {plain}, {spelled} FROM {table} e {joins}")  # noqa: S608 - our own names


def _forbid_changes(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
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
