"""What service-level managers wrote about missed targets."""

import sqlalchemy as sa
from alembic import op

revision = "store_9"
down_revision = "store_8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "deviation_notes",
        sa.Column("note_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("ticket_id", "target", "made_by", "cause", "action", "owner")
        ),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.Text()),
        sa.Column("is_done", sa.Boolean(), nullable=False),
    )
    op.create_index("deviation_notes_clock", "deviation_notes", ["ticket_id", "target", "note_id"])


def downgrade() -> None:
    raise NotImplementedError("what people noted is kept: restore a backup instead")
