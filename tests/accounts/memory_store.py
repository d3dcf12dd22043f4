"""A store in memory, with the trouble that a test gives it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from accounts.record import Account, AccountError
from accounts.store import Change, Key

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable


class MemoryStore:
    """An `AccountStore`. `asked` are the keys of all `find`s; `fails` is raised by each method while it is set.

    `gate`: while it is not set, `find` waits before it looks; `answer`: before it gives what it found.
    `broken`: ids whose record cannot be read.
    """

    def __init__(self, *accounts: Account) -> None:
        self.accounts = {account.id: account for account in accounts}
        self.log: dict[str, int] = {}
        self.asked: list[Key] = []
        self.looks = 0
        self.calls: Counter[str] = Counter()
        self.broken: set[str] = set()
        self.fails: Exception | None = None
        self.gate = asyncio.Event()
        self.answer = asyncio.Event()
        self.gate.set()
        self.answer.set()
        self.closed = False

    async def find(self, key: Key) -> Account | None:
        self.asked.append(key)
        await asyncio.sleep(0)
        await self.gate.wait()
        found = self._find(key)
        await self.answer.wait()
        self._trouble()
        if found is not None and found.id in self.broken:
            raise AccountError(found.id, ["greeting: got '', allowed: a text that is not empty"])
        return found

    def _find(self, key: Key) -> Account | None:
        for account in self.accounts.values():
            names = {"id": (account.id,), "phone": account.phone_numbers, "host": account.hosts}[key.kind]
            if key.value in names:
                return account
        return None

    async def common(self, count: int) -> list[Account]:
        self._trouble()
        enabled = [account for account in self.accounts.values() if account.enabled and account.id not in self.broken]
        return sorted(enabled, key=lambda account: -self.calls[account.id])[:count]

    async def used(self, counts: dict[str, int]) -> None:
        self._trouble()
        self.calls.update(counts)

    async def version(self) -> int:
        self._trouble()
        return max(self.log.values(), default=0)

    async def changes(self, since: int) -> list[Change]:
        self.looks += 1
        self._trouble()
        later = [Change(name, version) for name, version in self.log.items() if version > since]
        return sorted(later, key=lambda change: change.version)

    async def all(self) -> AsyncIterator[Account | AccountError]:
        for name in sorted(self.accounts):
            yield self.accounts[name]

    async def put(self, accounts: Iterable[Account]) -> None:
        for account in accounts:
            self.write(account)

    async def delete(self, account_id: str) -> bool:
        self.log[account_id] = max(self.log.values(), default=0) + 1
        return self.accounts.pop(account_id, None) is not None

    async def aclose(self) -> None:
        self.closed = True

    def write(self, account: Account) -> None:
        """`put` of one, at once."""
        self.accounts[account.id] = account
        self.log[account.id] = max(self.log.values(), default=0) + 1

    def _trouble(self) -> None:
        if self.fails is not None:
            raise self.fails
