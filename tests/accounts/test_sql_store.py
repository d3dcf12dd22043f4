"""Accounts in SQLite and PostgreSQL: the promises of every store, and those of a database."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from sqlalchemy import func, insert, select, text, update

from accounts.record import Account, AccountError
from accounts.sql import tables
from accounts.sql.store import SqlStore
from accounts.store import Change, Key, StoreError
from tests.accounts.store_promises import StorePromises, account, everything, phone

if TYPE_CHECKING:
    from pathlib import Path

    from tests.accounts.postgres import RealPostgres

PATIENT_S = 30.0
"""A busy machine is not what these tests are about."""
POLLS = 5
"""How often a reader looks while a writer has not ended."""


class SqlPlace:
    """An empty database with its tables."""

    def __init__(self, url: str) -> None:
        self.url = url

    def open(self) -> SqlStore:
        return SqlStore(self.url, limit_s=PATIENT_S)

    async def break_account(self, account_id: str) -> None:
        await self.spoil(account_id, {**account(account_id).model_dump(mode="json", exclude={"id"}), "greeting": ""})

    async def spoil(self, account_id: str, content: Any) -> None:
        """Write what is no record."""
        spoiled = update(tables.accounts).where(tables.accounts.c.id == account_id).values(content=content)
        await self.write(spoiled)

    async def write(self, *statements: Any) -> None:
        """As a hand would, beside the store."""
        store = self.open()
        try:
            async with store.writing() as connection:
                for statement in statements:
                    await connection.execute(statement)
        finally:
            await store.aclose()


async def make(url: str) -> None:
    store = SqlStore(url)
    await store.ready()
    await store.aclose()


@pytest_asyncio.fixture(scope="module")
async def empty_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SQLite's, with its tables: a test takes a copy."""
    file = tmp_path_factory.mktemp("empty") / "accounts.db"
    await make(f"sqlite:///{file}")
    return file


@pytest_asyncio.fixture(scope="module")
async def database(postgres: RealPostgres) -> str:
    """PostgreSQL's, with its tables: each test begins by emptying them."""
    url = await postgres.database()
    await make(url)
    return url


class SqlPromises(StorePromises):
    """What a database promises beyond that."""

    @pytest.mark.parametrize("content", [[], "text", 5, {}, {"name": "No more"}, {"greeting": ["list"]}])
    async def test_whatever_stands_in_a_row_is_its_own_problem(
        self, place: SqlPlace, store: SqlStore, content: Any
    ) -> None:
        """The account's error says so; the others are as they were."""
        await store.put([account("airport"), account("harbour"), account("station")])
        await place.spoil("harbour", content)
        with pytest.raises(AccountError) as broken:
            await store.find(Key("id", "harbour"))
        assert broken.value.account == "harbour"
        told = await everything(store)
        assert [told[0], told[2]] == [account("airport"), account("station")]
        assert isinstance(told[1], AccountError)
        assert await store.common(2) == [account("airport"), account("station")]

    async def test_a_change_that_ends_late_is_not_skipped(self, store: SqlStore, other: SqlStore) -> None:
        """Who reads changes while a writer has not ended sees nothing newer than that writer's, then both in order."""
        await other.version()
        async with store.writing() as connection:
            taken = (
                tables.counter.update().values(version=tables.counter.c.version + 1).returning(tables.counter.c.version)
            )
            version = (await connection.execute(taken)).scalar_one()
            values = {"id": "late", "name": "Late", "enabled": True, "version": version, "content": {}}
            await connection.execute(insert(tables.accounts).values(**values, updated_at=func.now()))
            second = asyncio.create_task(other.put([account("station")]))
            for _ in range(POLLS):
                assert await store.changes(0) == []
            assert not second.done()
        await second
        assert await store.changes(0) == [Change("late", 1), Change("station", 2)]

    async def test_an_account_may_go_and_come_often(self, store: SqlStore) -> None:
        """Each time is one change, and the newest is the only one that is told."""
        for version in range(1, 7, 2):
            await store.put([account(phone_numbers=[phone(1)])])
            assert await store.changes(0) == [Change("harbour", version)]
            assert await store.delete("harbour") is True
            assert await store.changes(0) == [Change("harbour", version + 1)]

    async def test_the_database_itself_refuses_a_second_owner(self, place: SqlPlace, store: SqlStore) -> None:
        """Of a number, of a host, and of what belongs to nobody."""
        await store.put([account("harbour", phone_numbers=[phone(1)], hosts=["a.example.com"]), account("station")])
        for claim in (
            insert(tables.numbers).values(phone=phone(1), account="station"),
            insert(tables.hosts).values(host="a.example.com", account="station"),
            insert(tables.numbers).values(phone=phone(2), account="nobody"),
        ):
            with pytest.raises(StoreError):
                await place.write(claim)
        assert await store.find(Key("phone", phone(1))) == await store.find(Key("id", "harbour"))
        assert await store.find(Key("phone", phone(2))) is None

    async def test_keys_go_with_their_account(self, place: SqlPlace, store: SqlStore) -> None:
        """A row that is deleted by hand leaves no number behind."""
        await store.put([account(phone_numbers=[phone(1)], hosts=["a.example.com"])])
        await place.write(tables.accounts.delete())
        async with store.reading() as connection:
            for table in (tables.numbers, tables.hosts):
                assert (await connection.execute(select(func.count()).select_from(table))).scalar_one() == 0

    @pytest.mark.parametrize("value", ["\x00", "a\x00b", "\ud800", "harbour\n", "ä", "x" * 10_000, "\U0001f600"])
    async def test_a_key_that_a_database_cannot_take_finds_nobody(self, store: SqlStore, value: str) -> None:
        """It is no error: a call's metadata may hold anything."""
        await store.put([account()])
        for kind in ("id", "phone", "host"):
            assert await store.find(Key(kind, value)) is None
        assert await store.delete(value) is False
        await store.used({value: 1})

    async def test_a_big_import_is_one_change_of_each(self, store: SqlStore) -> None:
        """More accounts and numbers than a statement takes values."""
        many = [account(f"a{n:05d}", phone_numbers=[phone(2 * n), phone(2 * n + 1)]) for n in range(600)]
        await store.put(many)
        await store.put(many)
        assert await store.version() == 2 * len(many)
        assert len(await store.changes(len(many))) == len(many)
        assert await store.find(Key("phone", phone(1_199))) == many[-1]

    async def test_two_count_calls_at_once(self, store: SqlStore, other: SqlStore) -> None:
        """No call is lost, and nobody waits for another for ever."""
        ids = [f"a{n}" for n in range(300)]
        await store.put([account(each) for each in ids])
        forth, back = dict.fromkeys(ids, 1), dict.fromkeys(reversed(ids), 1)
        await asyncio.gather(*(each.used(counts) for _ in range(5) for each, counts in ((store, forth), (other, back))))
        async with store.reading() as connection:
            calls = (await connection.execute(select(tables.accounts.c.calls))).scalars().all()
        assert calls == [10] * len(ids)

    async def test_an_outcome_is_kept_once_for_a_call(self, place: SqlPlace, store: SqlStore) -> None:
        """With its time in UTC, whichever the database."""
        row = {"call_id": "one", "account": None, "variants": {"openers": "off"}, "measures": {"first_word_ms": 81.5}}
        at = datetime(2025, 6, 1, 12, 0, 0, 250_000, tzinfo=timezone(timedelta(hours=2)))
        await place.write(insert(tables.outcomes).values(at=at, **row))
        with pytest.raises(StoreError):
            await place.write(insert(tables.outcomes).values(at=at, **row))
        async with store.reading() as connection:
            found = (await connection.execute(select(tables.outcomes))).one()
        assert {name: getattr(found, name) for name in row} == row
        assert found.at == at
        assert found.at.tzinfo == UTC


class TestSqlite(SqlPromises):
    @pytest.fixture
    def place(self, empty_file: Path, tmp_path: Path) -> SqlPlace:
        shutil.copy(empty_file, tmp_path / "accounts.db")
        return SqlPlace(f"sqlite:///{tmp_path}/accounts.db")

    @pytest.mark.parametrize("spoiled", ["'{'", "x'ff'", "CAST(x'7bff7d' AS TEXT)", "''", "17"])
    async def test_a_row_that_is_no_json_hides_no_other(self, place: SqlPlace, store: SqlStore, spoiled: str) -> None:
        """Nor one that is no text; PostgreSQL would not take it."""
        await store.put([account("airport"), account("harbour"), account("station")])
        await place.write(text(f"UPDATE accounts SET content = {spoiled} WHERE id = 'harbour'"))
        with pytest.raises(AccountError, match="content"):
            await store.find(Key("id", "harbour"))
        assert [type(each) for each in await everything(store)] == [Account, AccountError, Account]


class TestPostgres(SqlPromises):
    @pytest_asyncio.fixture
    async def place(self, postgres: RealPostgres, database: str) -> SqlPlace:
        written = ", ".join(table.name for table in tables.metadata.sorted_tables if table is not tables.counter)
        await postgres.execute(f"TRUNCATE {written}", "UPDATE counter SET version = 0", url=database)
        return SqlPlace(database)
