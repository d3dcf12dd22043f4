"""The way to a database: connections and transactions with limits, errors without secrets."""

from __future__ import annotations

import json
import sqlite3
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from accounts.store import StoreError
from utils.text import Mask

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from accounts.sql.address import Address

LIMIT_S = 5.0
"""For a connection, for each statement, for a lock of another writer, for a free connection of the pool."""
UPGRADE_LIMIT_S = 60.0
"""The same, for migrations: another process may be at it."""

_CONNECTIONS = 4  # SQLite: a thread each
_REASON_CHARS = 200


class ReadOnlyError(StoreError):
    """The database answers, but may not be written."""


def open_engine(address: Address, limit_s: float = LIMIT_S, *, upgrading: bool = False) -> AsyncEngine:
    """Connects when it is first used. Each statement is a transaction of its own, but for those of `writing`.

    `upgrading`: for migrations; nothing is kept open, and what refers to a table does not hinder its being made anew.
    """
    options: dict[str, Any] = {"hide_parameters": True, "json_deserializer": _lenient}
    if upgrading:
        options["poolclass"] = NullPool
    else:
        options |= {"pool_size": _CONNECTIONS, "max_overflow": 0, "pool_timeout": limit_s, "pool_use_lifo": True}
    if address.file is None:
        return _open_postgresql(address, limit_s, options)
    return _open_sqlite(address, limit_s, upgrading, options)


def _open_postgresql(address: Address, limit_s: float, options: dict[str, Any]) -> AsyncEngine:
    limits: dict[str, Any] = {"timeout": min(limit_s, LIMIT_S), "command_timeout": limit_s}

    async def connect() -> Any:
        import asyncpg

        try:
            # the whole URL goes to asyncpg: it knows libpq's options, such as sslmode and several hosts
            return await asyncpg.connect(address.url, **limits)
        except (*_foreign(address), ValueError) as error:  # ValueError: an option in the URL
            raise StoreError(told(address, error)) from None

    return create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        isolation_level="AUTOCOMMIT",  # a question is one way to the server and back, not three
        pool_pre_ping=True,  # a server that was started again has closed what the pool holds
        **options,
    )


def _open_sqlite(address: Address, limit_s: float, upgrading: bool, options: dict[str, Any]) -> AsyncEngine:
    engine = create_async_engine(address.url, connect_args={"timeout": limit_s}, **options)

    @event.listens_for(engine.sync_engine, "connect")
    def connected(connection: Any, _: object) -> None:
        connection.isolation_level = None  # the driver begins no transaction by itself: `begun` does
        # text that is not UTF-8 is one broken row's matter, it must not stop the reading of others
        connection.driver_connection.text_factory = _readable
        cursor = connection.cursor()
        with suppress(sqlite3.OperationalError):  # who may not write, or comes second, reads as it is
            cursor.execute("PRAGMA journal_mode=WAL")  # readers and a writer do not wait for each other
        # a migration may make a table anew under its name, which must not delete what refers to it
        cursor.execute(f"PRAGMA foreign_keys={'OFF' if upgrading else 'ON'}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begun(connection: Connection) -> None:
        if connection.get_execution_options().get("writes"):
            # at once: a reader that becomes a writer later could not wait for another writer
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


@asynccontextmanager
async def reading(engine: AsyncEngine, address: Address) -> AsyncGenerator[AsyncConnection]:
    """Each statement sees what is newest. Raises `StoreError` for whatever the database says."""
    with _translated(address):
        async with engine.connect() as connection:
            yield connection


@asynccontextmanager
async def writing(engine: AsyncEngine, address: Address) -> AsyncGenerator[AsyncConnection]:
    """One transaction, rolled back on any exception; in SQLite the only one. Raises `StoreError`."""
    level = {} if address.file else {"isolation_level": "READ COMMITTED"}
    with _translated(address):
        async with engine.execution_options(writes=True, **level).begin() as connection:
            yield connection


@contextmanager
def _translated(address: Address) -> Generator[None]:
    try:
        yield
    except _foreign(address) as error:
        kind = ReadOnlyError if _refuses_writes(error) else StoreError
        raise kind(told(address, error)) from error


def _foreign(address: Address) -> tuple[type[Exception], ...]:
    """What SQLAlchemy raises, and what it lets through of the drivers."""
    usual = (SQLAlchemyError, OSError, TimeoutError)
    if address.file is not None:
        return (*usual, sqlite3.Error)
    import asyncpg  # who uses SQLite does not need it

    return (*usual, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


def _refuses_writes(error: Exception) -> bool:
    cause = _cause(error)
    # PostgreSQL: a standby or a read-only transaction, a user without the right
    return getattr(cause, "sqlstate", None) in ("25006", "42501") or (
        getattr(cause, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_READONLY
    )


def _cause(error: Exception) -> BaseException | None:
    return error.driver_exception if isinstance(error, DBAPIError) else error


def told(address: Address, error: Exception) -> str:
    """One line: where, and what the database or its driver said. No password, no statement, no values."""
    cause = _cause(error)
    said = str(cause).partition("\n")[0] or ("no answer in time" if isinstance(cause, TimeoutError) else "")
    reason = Mask((address.password,)).text(said or type(cause).__name__, limit=_REASON_CHARS)
    return f"{address.told}: {reason}"


def _lenient(text: str) -> Any:
    """JSON that cannot be read comes as its text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _readable(text: bytes) -> str:
    return text.decode(errors="replace")
