"""Jobs: long work that was asked for, who does it, and what became of it."""

import sqlalchemy as sa
from alembic import op

revision = "store_5"
down_revision = "store_4"
branch_labels = None
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("job_id", _SEQUENCE, primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("kind", "arguments", "asked_by", "state")),
        sa.Column("is_short", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.BigInteger()) for name in ("started_at", "seen_at", "cancel_asked_at", "ended_at")),
        *(sa.Column(name, sa.Text()) for name in ("holder", "step", "problem", "result")),
        sa.Column("progress", sa.Float()),
        sa.Column("exit_code", sa.BigInteger()),
    )
    op.create_index("jobs_state", "jobs", ["state", "job_id"])


def downgrade() -> None:
    raise NotImplementedError("what became of jobs is kept: restore a backup instead")
