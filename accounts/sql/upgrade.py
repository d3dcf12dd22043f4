"""Bring a database to the tables that this program uses: made on first use, changed without loss after an update."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Column, MetaData, String, Table, inspect, select, text

from accounts.sql.engine import UPGRADE_LIMIT_S, open_engine, writing
from accounts.sql.tables import REVISIONS
from accounts.store import StoreError

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

    from accounts.sql.address import Address

NEWEST = "0003"
"""The last file in migrations/versions: a worker whose database is there does not load Alembic."""

_LOCK_KEY = 0x6669727374776F72  # "firstwor": PostgreSQL's advisory locks have numbers
_ONE_AT_A_TIME = threading.Lock()  # Alembic's `op` and `context` are the process's
_revisions = Table(REVISIONS, MetaData(), Column("version_num", String(32)))


def revision(connection: Connection) -> str | None:
    """Which migration the database has seen last; None for one that has seen none."""
    if not inspect(connection).has_table(REVISIONS):
        return None
    return connection.execute(select(_revisions.c.version_num)).scalar()


async def upgrade(address: Address, to: str = "head") -> None:
    """All missing migrations, or none: one transaction. Processes that start at once wait for each other.

    In a thread, since Alembic blocks. Raises `StoreError`: not allowed, not reachable, or the database is newer.
    """
    await asyncio.to_thread(_in_thread, address, to)


def config() -> Config:
    """Alembic's, without a file."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    return made


def _in_thread(address: Address, to: str) -> None:
    with _ONE_AT_A_TIME:
        asyncio.run(_upgrade(address, to))


async def _upgrade(address: Address, to: str) -> None:
    engine = open_engine(address, UPGRADE_LIMIT_S, upgrading=True)
    try:
        async with writing(engine, address) as connection:  # SQLite: waits for the other's lock
            await connection.run_sync(migrate, address, to)
    finally:
        await engine.dispose()


def migrate(connection: Connection, address: Address, to: str = "head") -> None:
    """In the transaction that `connection` has begun. Raises `StoreError` for a database that is newer."""
    from alembic import command
    from alembic.script import ScriptDirectory

    if address.file is None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    made = config()
    known = [script.revision for script in ScriptDirectory.from_config(made).walk_revisions()]
    found = revision(connection)
    if found is not None and found not in known:
        newest = f"its tables are of revision {found!r}, this program knows them up to {known[0]!r}"
        raise StoreError(f"{address.told}: made by a newer version of this program ({newest}): update the program")
    made.attributes["connection"] = connection
    command.upgrade(made, to)
