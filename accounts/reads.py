"""Reads of a store: one for all who want the same account at the same moment."""

from __future__ import annotations

import asyncio
import contextvars
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from accounts.record import Account, AccountError
from accounts.store import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Set

    from accounts.store import AccountStore, Key

LIMIT_S = 10.0  # a store that hangs must not gather reads
REFRESHES = 8  # at once: an import that changes all accounts leaves the store room for what a caller waits for

Came = Account | AccountError | StoreError | None
"""What a read gave; None: there is no such account."""


@dataclass
class _Read:
    task: asyncio.Task[Account | None] = field(init=False)
    changed: set[str] = field(default_factory=set[str])


class Reads:
    """`note` is told of each read before those who wait for it: its key, what came, and which ids changed meanwhile.

    Made on a running loop.
    """

    def __init__(self, store: AccountStore, note: Callable[[Key, Came, Set[str]], None]) -> None:
        self._store = store
        self._note = note
        self._reads: dict[Key, _Read] = {}
        self._refreshing = asyncio.Semaphore(REFRESHES)
        self._context = contextvars.copy_context()

    def start(self, key: Key, *, refresh: bool = False) -> asyncio.Task[Account | None]:
        """The read of `key` that is under way, or a new one. It raises `StoreError` and `AccountError`.

        Shield it: one caller who hangs up must not take it from the others. `refresh`: nobody waits for it.
        """
        read = self._reads.get(key)
        if read is None:
            self._reads[key] = read = _Read()
            # It serves all calls and belongs to none: what it logs must not carry the first one's name.
            context = self._context.copy()
            read.task = asyncio.create_task(self._run(key, read, refresh=refresh), name="read account", context=context)
            read.task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return read.task

    def changed(self, account_ids: Iterable[str]) -> None:
        """What is being read may be older than this change of them."""
        for read in self._reads.values():
            read.changed.update(account_ids)

    async def aclose(self) -> None:
        """End what is under way. Any number of times."""
        tasks = [read.task for read in self._reads.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, key: Key, read: _Read, *, refresh: bool) -> Account | None:
        try:
            if refresh:
                async with self._refreshing:
                    came = await self._ask(key)
            else:
                came = await self._ask(key)
        finally:
            del self._reads[key]
        self._note(key, came, read.changed)
        if isinstance(came, Exception):
            raise came
        return came

    async def _ask(self, key: Key) -> Came:
        try:
            async with asyncio.timeout(LIMIT_S):
                return await self._store.find(key)
        except (AccountError, StoreError) as error:
            return error
        except TimeoutError:
            return StoreError(f"no answer within {LIMIT_S:g} s")
        except Exception as error:  # noqa: BLE001  # whatever a store does, the calls go on
            return StoreError(type(error).__name__)  # its text may hold the address with its password
