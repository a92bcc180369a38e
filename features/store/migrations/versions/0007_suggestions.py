"""What each team was advised to take next, kept to be held against what it took."""

import sqlalchemy as sa
from alembic import op

revision = "store_7"
down_revision = "store_6"
branch_labels = None
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "suggestions",
        sa.Column("suggestion_id", _SEQUENCE, primary_key=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("team", "ticket_id", "suggested_at", "place")),
        sa.Column("is_shown", sa.Boolean(), nullable=False),
    )
    op.create_index("suggestions_identity", "suggestions", ["team", "suggested_at", "place"], unique=True)
    op.create_index("suggestions_at", "suggestions", ["suggested_at"])
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER suggestions_no_{change.lower()} BEFORE {change} ON suggestions "
                "BEGIN SELECT RAISE(ABORT, 'suggestions is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION suggestions_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'suggestions is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER suggestions_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON suggestions "
        "FOR EACH STATEMENT EXECUTE FUNCTION suggestions_is_append_only()"
    )


def downgrade() -> None:
    raise NotImplementedError("what was advised is kept: restore a backup instead")
