"""Accounts, what names them, and the count of changes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

_JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def _text(chars: int) -> sa.String:
    return sa.String(chars).with_variant(sa.String(chars, collation="C"), "postgresql")


def _claims(table: str, key: str, chars: int) -> None:
    op.create_table(
        table,
        sa.Column(key, _text(chars), nullable=False),
        sa.Column("account", _text(64), nullable=False),
        sa.PrimaryKeyConstraint(key, name=f"pk_{table}"),
        sa.ForeignKeyConstraint(["account"], ["accounts.id"], name=f"fk_{table}_account", ondelete="CASCADE"),
    )
    op.create_index(f"ix_{table}_account", table, ["account"])


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", _text(64), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("enabled", sa.Boolean, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("content", _JSON, nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("version", name="uq_accounts_version"),
    )
    _claims("numbers", "phone", 16)
    _claims("hosts", "host", 253)
    op.create_table(
        "removed",
        sa.Column("id", _text(64), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_removed"),
        sa.UniqueConstraint("version", name="uq_removed_version"),
    )
    counter = op.create_table(
        "counter",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_counter"),
        sa.CheckConstraint("id = 1", name=op.f("ck_counter_one_row")),
    )
    op.bulk_insert(counter, [{"id": 1, "version": 0}])
