"""The accounts in memory by each of their names, and when each of them is old."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from accounts.store import Key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.record import Account


@dataclass
class Entry:
    """Times are those of the cache's clock."""

    account: Account
    fresh_until_s: float
    usable_until_s: float
    failed: bool = False
    """The last read of it."""


class Kept:
    """At most `size` accounts, those used last. A name belongs to the account that was put with it last."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[str, Entry] = OrderedDict()
        self._ids: dict[Key, str] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._entries))

    def find(self, key: Key) -> Entry | None:
        account_id = key.value if key.kind == "id" else self._ids.get(key)
        return None if account_id is None else self._entries.get(account_id)

    def use(self, entry: Entry) -> None:
        self._entries.move_to_end(entry.account.id)

    def put(self, entry: Entry) -> bool:
        """Whether the account is new or not equal to what was there; one that is equal stays the same object."""
        before = self._entries.get(entry.account.id)
        new = before is None or before.account != entry.account
        if before is not None:
            self._forget_names(before.account)
            if not new:
                entry.account = before.account
        self._entries[entry.account.id] = entry
        for key in _names(entry.account):
            self._ids[key] = entry.account.id
        while len(self._entries) > self._size:
            self.drop(next(iter(self._entries)))
        return new

    def drop(self, account_id: str) -> None:
        entry = self._entries.pop(account_id, None)
        if entry is not None:
            self._forget_names(entry.account)

    def _forget_names(self, account: Account) -> None:
        for key in _names(account):
            if self._ids.get(key) == account.id:  # another account may have been put with it since
                del self._ids[key]


def _names(account: Account) -> Iterator[Key]:
    for number in account.phone_numbers:
        yield Key("phone", number)
    for host in account.hosts:
        yield Key("host", host)
