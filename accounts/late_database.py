"""The database of the outcomes: that of the accounts, or where those are files one beside them."""

from __future__ import annotations

import asyncio
import importlib
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sqlalchemy.ext.asyncio import AsyncConnection

    from accounts.sql.store import SqlStore
    from accounts.store import AccountStore


class LateDatabase:
    """An `outcomes.Database`. `accounts`: the store that is used if it is one; else `url` is where one is made."""

    def __init__(self, accounts: AccountStore, url: str) -> None:
        self._accounts = accounts
        self._url = url
        self._own: SqlStore | None = None

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[AsyncConnection]:
        async with (await self._opened()).reading() as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncGenerator[AsyncConnection]:
        async with (await self._opened()).writing() as connection:
            yield connection

    async def aclose(self) -> None:
        """The accounts' own store stays open."""
        if self._own is not None:
            await self._own.aclose()

    async def _opened(self) -> SqlStore:
        # Its library is large: who has files and no experiment needs none of it, and the calls wait for no import.
        module: Any = await asyncio.to_thread(importlib.import_module, "accounts.sql.store")
        kind: type[SqlStore] = module.SqlStore
        if isinstance(self._accounts, kind):
            return self._accounts
        if self._own is None:
            self._own = kind(self._url)
        return self._own
