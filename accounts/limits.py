"""How many calls each account has at this moment in this worker."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from accounts.record import Account


class Lines:
    """The calls of each account, by call id. A call that nobody ended is forgotten with its job."""

    def __init__(self) -> None:
        self._calls: dict[str, WeakValueDictionary[str, object]] = {}

    @property
    def accounts(self) -> int:
        """Those with calls."""
        return len(self._calls)

    def taken(self, account_id: str) -> int:
        return len(self._calls.get(account_id, ()))

    def take(self, account: Account, call_id: str, job: object) -> bool:
        """Whether the account has a line for this call, which it then holds. `job` lives as long as the call."""
        calls = self._calls.setdefault(account.id, WeakValueDictionary())
        if account.max_calls is not None and call_id not in calls and len(calls) >= account.max_calls:
            return False
        calls[call_id] = job
        return True

    def leave(self, call_id: str) -> None:
        """Give the call's line back, if it has one."""
        for account_id, calls in list(self._calls.items()):
            calls.pop(call_id, None)
            if not calls:
                del self._calls[account_id]
