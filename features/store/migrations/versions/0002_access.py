"""Access keys with their revocations, sessions, the audit log, and answers kept under an Idempotency-Key."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "store_2"
down_revision = "store_1"
branch_labels = None
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create("access_keys", "key_id", ["prefix", "name", "role", "hashed", "created_by", "teams", "services"], ["created_at"], ["expires_at"])  # fmt: skip
    op.create_index("access_keys_prefix", "access_keys", ["prefix"], unique=True)
    _create("key_revocations", "revocation_id", ["prefix", "revoked_by"], ["revoked_at"])
    op.create_index("key_revocations_prefix", "key_revocations", ["prefix"], unique=True)
    _create("audit", "audit_id", ["actor", "action", "subject"], ["at"], [], ["state_before", "state_after", "origin"])
    op.create_index("audit_at", "audit", ["at"])
    _create("sessions", "session_id", ["digest", "holder"], ["begun_at", "expires_at"])
    op.create_index("sessions_digest", "sessions", ["digest"], unique=True)
    _create("idempotency", "answer_id", ["caller", "key", "digest", "body"], ["status", "at"])
    op.create_index("idempotency_key", "idempotency", ["caller", "key"], unique=True)
    op.create_index("idempotency_at", "idempotency", ["at"])
    for table in ("access_keys", "key_revocations", "audit"):
        _forbid_changes(table)


def downgrade() -> None:
    raise NotImplementedError("the audit log is kept: restore a backup instead")


def _create(
    table: str,
    key: str,
    texts: list[str],
    wholes: list[str],
    maybe: Sequence[str] = (),
    maybe_texts: Sequence[str] = (),
) -> None:
    op.create_table(
        table,
        sa.Column(key, _SEQUENCE, primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in texts),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in wholes),
        *(sa.Column(name, sa.BigInteger()) for name in maybe),
        *(sa.Column(name, sa.Text()) for name in maybe_texts),
    )


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
