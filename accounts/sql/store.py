"""Accounts in a database: each method one transaction, whoever else writes at the same time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, select, union_all, update

from accounts.record import Account, AccountError
from accounts.sql import tables
from accounts.sql.address import parse_address
from accounts.sql.engine import LIMIT_S, ReadOnlyError, open_engine, reading, writing
from accounts.sql.rows import account_of, account_or_error, remove, rows, write
from accounts.sql.upgrade import NEWEST, revision, upgrade
from accounts.store import Change, StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterable

    from sqlalchemy.ext.asyncio import AsyncConnection

    from accounts.store import Key

_PAGE = 200
_LONGEST_KEY = 253  # of a host name


class SqlStore:
    """An `AccountStore` in SQLite or PostgreSQL; its tables are made when it is first asked. For one event loop.

    `limit_s` is for a connection, a statement, another writer's lock, each. Raises `ValueError` for a URL that names
    neither.
    """

    def __init__(self, url: str, *, limit_s: float = LIMIT_S) -> None:
        self._address = parse_address(url)
        self.engine = open_engine(self._address, limit_s)
        """For tables beside the accounts, after `ready`; `reading` and `writing` see to that, and translate errors."""
        self._ready = False
        self._preparing = asyncio.Lock()

    def __repr__(self) -> str:
        return f"SqlStore({self._address.told})"

    async def ready(self) -> None:
        """Make or upgrade the tables. Raises `StoreError`, and tries again when it is called again."""
        async with self._preparing:
            if self._ready:
                return
            async with reading(self.engine, self._address) as connection:
                found = await connection.run_sync(revision)
            if found != NEWEST:
                await upgrade(self._address)
            self._ready = True

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        """For questions: each sees what is newest. Raises `StoreError`."""
        async with self._prepared(), reading(self.engine, self._address) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction, all of it or nothing: in SQLite the only one at that time. Raises `StoreError`."""
        async with self._prepared(), writing(self.engine, self._address) as connection:
            yield connection

    @asynccontextmanager
    async def _prepared(self) -> AsyncGenerator[None]:
        if not self._ready:
            await self.ready()
        try:
            yield
        except StoreError:
            self._ready = False  # what comes back may be another database, or an older one
            raise

    async def find(self, key: Key) -> Account | None:
        if not _possible(key.value):
            return None
        named = {
            "id": rows().where(tables.accounts.c.id == key.value),
            "phone": rows().join(tables.numbers).where(tables.numbers.c.phone == key.value),
            "host": rows().join(tables.hosts).where(tables.hosts.c.host == key.value),
        }[key.kind]
        async with self.reading() as connection:
            row = (await connection.execute(named)).one_or_none()
        return None if row is None else account_of(row)

    async def common(self, count: int) -> list[Account]:
        of = tables.accounts.c
        enabled = rows().where(of.enabled).order_by(of.calls.desc(), of.id).limit(count)
        good: list[Account] = []
        offset = 0
        async with self.reading() as connection:
            while len(good) < count and (page := (await connection.execute(enabled.offset(offset))).all()):
                good += [each for each in map(account_or_error, page) if isinstance(each, Account)]
                offset += count
        return good[:count]

    async def used(self, counts: dict[str, int]) -> None:
        # in the order of ids: two who update the same rows in different orders would wait for each other
        added = [{"of": name, "more": counts[name]} for name in sorted(counts) if _possible(name)]
        if not added:
            return
        of = tables.accounts.c
        more = update(tables.accounts).where(of.id == bindparam("of")).values(calls=of.calls + bindparam("more"))
        try:
            async with self.writing() as connection:
                await connection.execute(more, added)
        except ReadOnlyError:
            return

    async def version(self) -> int:
        async with self.reading() as connection:
            return (await connection.execute(select(tables.counter.c.version))).scalar_one()

    async def changes(self, since: int) -> list[Change]:
        # one question, so one moment: what is deleted meanwhile is not missed between two
        both = union_all(
            *(
                select(table.c.id, table.c.version).where(table.c.version > since)
                for table in (tables.accounts, tables.removed)
            )
        ).subquery()
        async with self.reading() as connection:
            found = await connection.execute(select(both.c.id, both.c.version).order_by(both.c.version))
            return [Change(name, version) for name, version in found]

    async def all(self) -> AsyncIterator[Account | AccountError]:
        by_id = rows().order_by(tables.accounts.c.id).limit(_PAGE)
        after = ""
        while True:  # page by page: nothing is held while the caller works
            async with self.reading() as connection:
                page = (await connection.execute(by_id.where(tables.accounts.c.id > after))).all()
            for row in page:
                yield account_or_error(row)
            if len(page) < _PAGE:
                return
            after = page[-1].id

    async def put(self, accounts: Iterable[Account]) -> None:
        if batch := sorted(accounts, key=lambda account: account.id):
            async with self.writing() as connection:
                await write(connection, batch)

    async def delete(self, account_id: str) -> bool:
        if not _possible(account_id):
            return False
        async with self.writing() as connection:
            return await remove(connection, account_id)

    async def aclose(self) -> None:
        """Closes the connections. Twice is allowed."""
        await self.engine.dispose()


def _possible(key: str) -> bool:
    """Whether a database takes it: the values of keys are plain, what a call says may be anything."""
    return key.isascii() and key.isprintable() and len(key) <= _LONGEST_KEY
