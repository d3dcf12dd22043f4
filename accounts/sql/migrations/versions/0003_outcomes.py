"""What calls gave, for the comparison of variants."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "outcomes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False, autoincrement=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("call_id", sa.String(128), nullable=False),
        sa.Column("account", sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")),
        sa.Column("variants", _JSON, nullable=False),
        sa.Column("measures", _JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outcomes"),
        sa.UniqueConstraint("call_id", name="uq_outcomes_call_id"),
    )
    op.create_index("ix_outcomes_at", "outcomes", ["at"])
