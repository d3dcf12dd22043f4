"""Accounts in memory, across calls. Who asks for one that is there never waits, however old it is.

What is there is read anew behind a call that finds it older than its time to live, and at once when the store told of
a change. If that fails, calls go on with what is there.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from accounts.kept import Entry, Kept
from accounts.reads import Reads
from accounts.record import Account, AccountError
from accounts.store import Key, StoreError
from accounts.tally import AccountTally
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Set

    from accounts.reads import Came
    from accounts.store import AccountStore

log = get_logger("accounts")

STALE_LIMIT_S = 24 * 3600.0  # beyond the time to live: a store may be away for a night
ABSENT_S = 10.0  # an unknown number that is called again and again costs one read in that time
RETRY_S = 5.0  # until a failed read of what is there is tried again


class AccountCache:
    """At most `size` accounts, those used last; `on_new` is told each that is new or not equal to what was there.

    Made on a running loop. `clock` gives seconds.
    """

    def __init__(
        self,
        store: AccountStore,
        *,
        size: int,
        ttl_s: float,
        on_new: Callable[[Account], None] = lambda _: None,
        tally: AccountTally | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._size = size
        self._ttl_s = ttl_s
        self._on_new = on_new
        self._tally = tally or AccountTally()
        self._clock = clock
        self._kept = Kept(size)
        self._absent: OrderedDict[Key, tuple[float, AccountError | None]] = OrderedDict()
        self._unread: set[str] = set()
        self._reads = Reads(store, self._note)

    def __len__(self) -> int:
        return len(self._kept)

    def peek(self, key: Key) -> Account | None:
        """The account if it is in memory, at once."""
        entry = self._usable(key)
        return None if entry is None else entry.account

    def begin(self, key: Key) -> None:
        """Have the account read if nothing is known of it: who asks for it later waits for the rest only."""
        if self._usable(key) is None and not self._known_absent(key):
            self._reads.start(key)

    async def get(self, key: Key) -> Account | None:
        """The account, without a pause if it is in memory. None: there is none. Raises `StoreError`, `AccountError`."""
        entry = self._usable(key)
        if entry is not None:
            self._tally.add("stale" if entry.failed else "cached")
            return entry.account
        if self._known_absent(key):
            _, error = self._absent[key]
            if error is not None:
                raise AccountError(error.account, error.problems)
            return None
        account = await asyncio.shield(self._reads.start(key))
        if account is not None:
            self._tally.add("loaded")
        return account

    def add(self, account: Account) -> None:
        """Keep what was read from the store just now."""
        fresh_until_s = self._clock() + self._ttl_s
        self._unread.discard(account.id)
        if self._kept.put(Entry(account, fresh_until_s, fresh_until_s + STALE_LIMIT_S)):
            self._on_new(account)

    def changed(self, *account_ids: str) -> None:
        """The store told so: what is there of them is read anew, and what was unknown may be known now."""
        self._absent.clear()
        self._reads.changed(account_ids)
        for account_id in account_ids:
            if self._kept.find(Key("id", account_id)) is not None:
                self._refresh(account_id)

    def all_changed(self) -> None:
        """Something was, and it is not known what."""
        self.changed(*self._kept)

    def store_answers(self) -> None:
        """Read what could not be read while it did not: a change among them would else wait for a call."""
        for account_id in list(self._unread):
            entry = self._kept.find(Key("id", account_id))
            if entry is None:
                self._unread.discard(account_id)
            elif self._clock() >= entry.fresh_until_s:
                self._refresh(account_id)

    async def aclose(self) -> None:
        """End what is under way. Any number of times."""
        await self._reads.aclose()

    def _usable(self, key: Key) -> Entry | None:
        entry = self._kept.find(key)
        if entry is None:
            return None
        now_s = self._clock()
        if now_s >= entry.usable_until_s:
            self._kept.drop(entry.account.id)
            return None
        self._kept.use(entry)
        if now_s >= entry.fresh_until_s:
            self._refresh(entry.account.id)
        return entry

    def _known_absent(self, key: Key) -> bool:
        return key in self._absent and self._clock() < self._absent[key][0]

    def _refresh(self, account_id: str) -> None:
        self._reads.start(Key("id", account_id), refresh=True)

    def _note(self, key: Key, came: Came, changed: Set[str]) -> None:
        """Keep what a read gave. What changed since the read began may be newer than that."""
        entry = self._kept.find(key)
        if entry is not None:
            self._tally.add("refresh_failed" if isinstance(came, Exception) else "refreshed")
        if isinstance(came, Account):
            self.add(came)
            if came.id in changed:
                self._refresh(came.id)
        elif came is None:
            if entry is not None:
                self._kept.drop(entry.account.id)
            if not changed:
                self._note_absent(key, None)
        elif entry is not None:
            self._note_failure(entry, came)
        elif isinstance(came, AccountError) and not changed:
            self._note_absent(key, came)

    def _note_failure(self, entry: Entry, error: AccountError | StoreError) -> None:
        if isinstance(error, StoreError):
            self._unread.add(entry.account.id)
        elif not entry.failed:
            reason = "; ".join(error.problems)
            log.warning("an account stays as it was: its record is broken", account=error.account, reason=reason)
        entry.failed, entry.fresh_until_s = True, self._clock() + RETRY_S

    def _note_absent(self, key: Key, error: AccountError | None) -> None:
        self._absent[key] = (self._clock() + ABSENT_S, error)
        self._absent.move_to_end(key)
        if len(self._absent) > self._size:
            self._absent.popitem(last=False)
