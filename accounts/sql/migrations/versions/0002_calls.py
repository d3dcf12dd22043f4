"""How often an account is called: the most called are loaded first."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("calls", sa.BigInteger, nullable=False, server_default="0"))
    op.create_index("ix_accounts_calls", "accounts", ["calls"])
