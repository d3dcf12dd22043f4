"""A store that can be told to be slow or away while calls run: around a true one, by a small file."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from accounts.store import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from accounts.record import Account, AccountError
    from accounts.store import AccountStore, Change, Key


@dataclass(frozen=True)
class Faults:
    """`delay_ms`: before each answer. `down`: no answer but a failure, at once."""

    delay_ms: float = 0.0
    down: bool = False


def show(file: Path, faults: Faults) -> None:
    """From now on the store of `file` does this. Whole or not at all: it may be read in this moment."""
    written = file.with_suffix(".new")
    written.write_text(json.dumps(asdict(faults)), encoding="utf-8")
    written.replace(file)


def shown(file: Path) -> Faults:
    """None at all if there is no file."""
    try:
        return Faults(**json.loads(file.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Faults()


class FaultyStore:
    """An `AccountStore` that is `store` with the faults of `file`."""

    def __init__(self, store: AccountStore, file: Path) -> None:
        self._store = store
        self._file = file

    async def find(self, key: Key) -> Account | None:
        await self._suffer()
        return await self._store.find(key)

    async def common(self, count: int) -> list[Account]:
        await self._suffer()
        return await self._store.common(count)

    async def used(self, counts: dict[str, int]) -> None:
        await self._suffer()
        await self._store.used(counts)

    async def version(self) -> int:
        await self._suffer()
        return await self._store.version()

    async def changes(self, since: int) -> list[Change]:
        await self._suffer()
        return await self._store.changes(since)

    async def all(self) -> AsyncIterator[Account | AccountError]:
        await self._suffer()
        async for each in self._store.all():
            yield each

    async def put(self, accounts: Iterable[Account]) -> None:
        await self._suffer()
        await self._store.put(accounts)

    async def delete(self, account_id: str) -> bool:
        await self._suffer()
        return await self._store.delete(account_id)

    async def aclose(self) -> None:
        await self._store.aclose()

    async def _suffer(self) -> None:
        faults = shown(self._file)
        if faults.delay_ms:
            await asyncio.sleep(faults.delay_ms / 1000)
        if faults.down:
            raise StoreError("the database does not answer")
