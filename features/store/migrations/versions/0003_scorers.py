"""Leases, so that one scorer acts at a time; when a clock was due beside what was predicted of it."""

import sqlalchemy as sa
from alembic import op

revision = "store_3"
down_revision = "store_2"
branch_labels = None
depends_on = None

_SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_SHOWN = ("prediction_id", "is_shadow", "scored_at", "snapshot_at", "due_at", "probability", "reasons")
_WORDS = ("ticket_id", "target", "state", "bundle_version")


def upgrade() -> None:
    op.create_table(
        "leases",
        sa.Column("lease_id", _SEQUENCE, primary_key=True),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("name", "holder")),
        *(
            sa.Column(name, sa.BigInteger(), nullable=False)
            for name in ("turn", "acquired_at", "renewed_at", "expires_at")
        ),
    )
    op.create_index("leases_name", "leases", ["name"], unique=True)
    op.add_column("predictions", sa.Column("due_at", sa.BigInteger()))
    shown = ", ".join((*(f"e.{name}" for name in _SHOWN), *(f"w_{name}.text AS {name}" for name in _WORDS)))
    joins = " ".join(f"LEFT JOIN words w_{name} ON w_{name}.word_id = e.{name}" for name in _WORDS)
    op.execute("DROP VIEW predictions_text")
    op.execute(sa.text(f"CREATE VIEW predictions_text AS SELECT {shown} FROM predictions e {joins}"))  # noqa: S608 - our own names


def downgrade() -> None:
    raise NotImplementedError("predictions are kept: restore a backup instead")
