"""The outbox: what is still to be sent of each alert; rows are removed when it is sent or given up."""

import sqlalchemy as sa
from alembic import op

revision = "store_4"
down_revision = "store_3"
branch_labels = None
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("outbox_id", _SEQUENCE, primary_key=True),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in ("alert_id", "channel", "attempts", "due_at")),
    )
    op.create_index("outbox_alert", "outbox", ["alert_id", "channel"], unique=True)
    op.create_index("outbox_due", "outbox", ["channel", "due_at"])


def downgrade() -> None:
    raise NotImplementedError("alerts are kept: restore a backup instead")
