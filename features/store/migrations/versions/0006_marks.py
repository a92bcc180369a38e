"""What people noted about tickets, and the views of the queue they saved."""

import sqlalchemy as sa
from alembic import op

revision = "store_6"
down_revision = "store_5"
branch_labels = None
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "marks",
        sa.Column("mark_id", _SEQUENCE, primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("ticket_id", "kind", "made_by", "text")),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("until_at", sa.BigInteger()),
    )
    op.create_index("marks_ticket", "marks", ["ticket_id", "kind", "mark_id"])
    op.create_table(
        "saved_views",
        sa.Column("view_id", _SEQUENCE, primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("owner", "name", "query")),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("saved_views_owner", "saved_views", ["owner", "name", "view_id"])


def downgrade() -> None:
    raise NotImplementedError("what people noted is kept: restore a backup instead")
