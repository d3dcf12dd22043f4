"""The tables of the accounts' database, as the newest migration leaves them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

REVISIONS = "accounts_revision"
"""Alembic's own table. Not its usual name: the database may belong to others too."""

_ID_CHARS, _PHONE_CHARS, _HOST_CHARS, _NAME_CHARS = 64, 16, 253, 120


class UtcTime(TypeDecorator[datetime]):
    """A moment, always UTC: SQLite keeps no zone. A time without a zone is refused with a `ValueError`."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"got {value.isoformat()}, allowed: a time with its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None or value.tzinfo is not None:
            return value
        return value.replace(tzinfo=UTC)


def _text(chars: int) -> String:
    # the same order of ids in every database, whatever its language
    return String(chars).with_variant(String(chars, collation="C"), "postgresql")


_JSON = JSON().with_variant(JSONB(), "postgresql")
_COUNTED = BigInteger().with_variant(Integer(), "sqlite")  # only an INTEGER key counts by itself there

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _owner() -> Column[str]:
    return Column("account", _text(_ID_CHARS), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False)


accounts = Table(
    "accounts",
    metadata,
    Column("id", _text(_ID_CHARS), primary_key=True),
    Column("name", String(_NAME_CHARS), nullable=False),
    Column("enabled", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False, unique=True),
    Column("content", _JSON, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("calls", BigInteger, nullable=False, server_default="0"),
)
"""`content` is the record without its id. `name` and `enabled` repeat what a query needs of it."""

Index("ix_accounts_calls", accounts.c.calls)

numbers = Table("numbers", metadata, Column("phone", _text(_PHONE_CHARS), primary_key=True), _owner())
Index(None, numbers.c.account)

hosts = Table("hosts", metadata, Column("host", _text(_HOST_CHARS), primary_key=True), _owner())
Index(None, hosts.c.account)

removed = Table(
    "removed",
    metadata,
    Column("id", _text(_ID_CHARS), primary_key=True),
    Column("version", BigInteger, nullable=False, unique=True),
)
"""Accounts that were deleted and have not come back: their change has to be told, too."""

counter = Table(
    "counter",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
)
"""The newest change's version: one row. Its lock is what makes changes visible in the order of their versions."""

outcomes = Table(
    "outcomes",
    metadata,
    Column("id", _COUNTED, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False, index=True),
    Column("call_id", String(128), nullable=False, unique=True),
    Column("account", _text(_ID_CHARS)),
    Column("variants", _JSON, nullable=False),
    Column("measures", _JSON, nullable=False),
)
"""What a call gave. Its account may be deleted later: what was measured stays."""
