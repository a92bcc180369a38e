"""Marks that say whether what was kept of the events is still what the store holds."""

import sqlalchemy as sa
from alembic import op

revision = "store_8"
down_revision = "store_7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reading_marks",
        sa.Column("mark_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        sa.Column("mark", sa.Text(), nullable=False),
    )
    op.create_index("reading_marks_mark", "reading_marks", ["mark"], unique=True)


def downgrade() -> None:
    op.drop_table("reading_marks")
