"""The tables of accounts: made, changed without loss, and the same as the program's."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from accounts.sql.address import parse_address
from accounts.sql.engine import open_engine, reading, writing
from accounts.sql.store import SqlStore
from accounts.sql.tables import REVISIONS, metadata
from accounts.sql.upgrade import NEWEST, config, migrate, revision, upgrade
from accounts.store import Change, Key, StoreError
from tests.accounts.store_promises import account, phone

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from sqlalchemy import Connection
    from sqlalchemy.ext.asyncio import AsyncEngine

    from accounts.sql.address import Address
    from tests.accounts.postgres import RealPostgres

ROOT = Path(__file__).parents[2]
TOGETHER = 4
PATIENT_S = 30.0
"""A busy machine is not what these tests are about."""
PROCESSES = 2
WAITS_S = 0.5
PROCESS = """
import asyncio, sys
from accounts.sql.store import SqlStore

async def main():
    store = SqlStore(sys.argv[1], limit_s=30)
    print("here", flush=True)
    sys.stdin.readline()
    print(await store.version())
    await store.aclose()

asyncio.run(main())
"""


class Database:
    """A database without tables."""

    def __init__(self, address: Address, engine: AsyncEngine) -> None:
        self.address = address
        self.engine = engine

    async def run(self, *statements: str) -> None:
        async with writing(self.engine, self.address) as connection:
            for statement in statements:
                await connection.exec_driver_sql(statement)

    async def ask(self, question: Any, *args: object) -> Any:
        async with reading(self.engine, self.address) as connection:
            return await connection.run_sync(question, *args)


@pytest_asyncio.fixture
async def database(url: str) -> AsyncIterator[Database]:
    address = parse_address(url)
    engine = open_engine(address, PATIENT_S)
    yield Database(address, engine)
    await engine.dispose()


@pytest_asyncio.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    opened = SqlStore(url, limit_s=PATIENT_S)
    yield opened
    await opened.aclose()


def differences(connection: Connection) -> list[Any]:
    """What Alembic would change so that the tables are the program's."""
    compared = MigrationContext.configure(
        connection, opts={"compare_type": True, "compare_server_default": True, "version_table": REVISIONS}
    )
    return compare_metadata(compared, metadata)


class Migrations:
    """The same for each kind of database; the fixture `url` gives one without tables."""

    async def test_migrations_give_the_tables_of_the_program(self, database: Database) -> None:
        """Nothing is left to change, types and defaults included; the last one is the one that the store expects."""
        await upgrade(database.address)
        assert await database.ask(differences) == []
        assert await database.ask(revision) == NEWEST
        assert ScriptDirectory.from_config(config()).get_heads() == [NEWEST]

    async def test_a_difference_would_be_seen(self, database: Database) -> None:
        """The comparison that the test before relies on finds a column and an index that are missing."""
        await upgrade(database.address)
        await database.run("DROP INDEX ix_outcomes_at", "ALTER TABLE accounts DROP COLUMN name")
        kinds = {each[0] if isinstance(each, tuple) else each[0][0] for each in await database.ask(differences)}
        assert kinds == {"add_index", "add_column"}

    async def test_the_rows_of_the_first_version_are_kept(self, database: Database, store: SqlStore) -> None:
        """Written under the first migration, found by the store after all of them, and changed by it."""
        await upgrade(database.address, to="0001")
        assert await database.ask(revision) == "0001"
        harbour = account(phone_numbers=[phone(1)], hosts=["harbour.example.com"], voice="nora")
        content = json.dumps(harbour.model_dump(mode="json", exclude={"id"})).replace("'", "''")
        await database.run(
            "INSERT INTO accounts (id, name, enabled, version, content, updated_at)"
            f" VALUES ('harbour', 'Harbour', TRUE, 3, '{content}', '2025-01-02 03:04:05')",
            f"INSERT INTO numbers (phone, account) VALUES ('{phone(1)}', 'harbour')",
            "INSERT INTO hosts (host, account) VALUES ('harbour.example.com', 'harbour')",
            "INSERT INTO removed (id, version) VALUES ('station', 4)",
            "UPDATE counter SET version = 4",
        )
        for key in (Key("id", "harbour"), Key("phone", phone(1)), Key("host", "harbour.example.com")):
            assert await store.find(key) == harbour
        assert await database.ask(revision) == NEWEST
        assert await store.changes(0) == [Change("harbour", 3), Change("station", 4)]
        assert await store.common(5) == [harbour]
        await store.used({"harbour": 2})
        await store.put([account(name="New")])
        assert await store.changes(4) == [Change("harbour", 5)]
        assert await store.find(Key("phone", phone(1))) is None

    async def test_an_upgrade_that_fails_changes_nothing(self, database: Database, store: SqlStore) -> None:
        """All migrations or none; when what was in the way is gone, the next question upgrades."""
        await database.run("CREATE TABLE outcomes (id INTEGER)")
        with pytest.raises(StoreError, match="outcomes"):
            await store.version()
        assert await database.ask(revision) is None
        await database.run("DROP TABLE outcomes")
        assert await store.version() == 0
        assert await database.ask(differences) == []

    async def test_a_newer_database_is_refused(self, database: Database, store: SqlStore) -> None:
        """The error says which revision it has and what this program knows; the database stays as it is."""
        await upgrade(database.address)
        await database.run(f"UPDATE {REVISIONS} SET version_num = '9999'")
        for _ in range(2):
            with pytest.raises(StoreError, match=r"newer version of this program.*'9999'.*'0003'.*update the program"):
                await store.put([account()])
        assert await database.ask(revision) == "9999"

    async def test_stores_of_one_process_may_start_at_once(self, url: str, tmp_path: Path) -> None:
        """On one database and on several: what Alembic keeps is the process's."""
        urls = [url, url, *(f"sqlite:///{tmp_path}/{n}.db" for n in range(TOGETHER))]
        stores = [SqlStore(each, limit_s=PATIENT_S) for each in urls]
        try:
            assert await asyncio.gather(*(store.version() for store in stores)) == [0] * len(urls)
        finally:
            for store in stores:
                await store.aclose()

    async def test_who_comes_second_waits(self, database: Database, store: SqlStore) -> None:
        """While another process makes the tables: then they are there."""
        engine = open_engine(database.address, PATIENT_S, upgrading=True)
        async with writing(engine, database.address) as connection:
            await connection.run_sync(migrate, database.address)
            second = asyncio.create_task(store.version())
            await asyncio.wait([second], timeout=WAITS_S)
            assert not second.done()
        await engine.dispose()
        assert await second == 0

    async def test_processes_may_start_at_once(self, url: str) -> None:
        """Each waits for the one that makes the tables; none fails."""
        pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
        processes = [
            await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, url, cwd=ROOT, **pipes)
            for _ in range(PROCESSES)
        ]
        try:
            for process in processes:
                assert process.stdout
                assert await process.stdout.readline() == b"here\n"
            ended = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
        finally:
            for process in processes:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        assert ended == [(b"0\n", b"")] * PROCESSES

    async def test_a_table_of_somebody_else_stays(self, database: Database, store: SqlStore) -> None:
        """A database may be shared: another program's Alembic table is not taken for ours."""
        await database.run(
            "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
            "INSERT INTO alembic_version (version_num) VALUES ('somebody')",
            "CREATE TABLE customers (id INTEGER)",
        )
        await store.put([account()])
        assert await store.find(Key("id", "harbour")) == account()
        async with reading(database.engine, database.address) as connection:
            assert (
                await connection.execute(text("SELECT version_num FROM alembic_version"))
            ).scalar_one() == "somebody"


class TestSqlite(Migrations):
    @pytest.fixture
    def url(self, tmp_path: Path) -> str:
        return f"sqlite:///{tmp_path}/accounts.db"

    async def test_a_table_that_is_made_anew_loses_nothing(self, database: Database, store: SqlStore) -> None:
        """As SQLite's migrations do for what it cannot alter: what refers to the table stays."""
        await store.put([account(phone_numbers=[phone(1)])])
        engine = open_engine(database.address, upgrading=True)
        async with writing(engine, database.address) as connection:
            for statement in (
                "CREATE TABLE anew AS SELECT * FROM accounts",
                "DROP TABLE accounts",
                "ALTER TABLE anew RENAME TO accounts",
            ):
                await connection.exec_driver_sql(statement)
        await engine.dispose()
        assert await store.find(Key("phone", phone(1))) == account(phone_numbers=[phone(1)])


class TestPostgres(Migrations):
    @pytest_asyncio.fixture
    async def url(self, postgres: RealPostgres) -> str:
        return await postgres.database()
