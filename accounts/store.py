"""Where accounts are kept: what a store can do, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from accounts.record import Account, AccountError

KeyKind = Literal["id", "phone", "host"]


class StoreError(Exception):
    """The store did not answer, or its content cannot be read. The text holds no secret of its address."""


@dataclass(frozen=True)
class Key:
    """How a call names an account: by its id, a phone number (E.164) or a host name in lower case."""

    kind: KeyKind
    value: str


@dataclass(frozen=True)
class Change:
    """An account was written or deleted; `version` grows with each change in the store."""

    account_id: str
    version: int


class AccountStore(Protocol):
    """All methods raise `StoreError`; a broken row raises `AccountError` and hides no other row."""

    async def find(self, key: Key) -> Account | None:
        """The account that `key` names, a disabled one too."""
        ...

    async def common(self, count: int) -> list[Account]:
        """Enabled accounts for the start of a worker, those first that were told as used most; broken ones left out."""
        ...

    async def used(self, counts: dict[str, int]) -> None:
        """Add calls to accounts by id, so that `common` knows. A store that cannot write forgets them."""
        ...

    async def version(self) -> int:
        """The newest change's; 0 for a store that was never written."""
        ...

    async def changes(self, since: int) -> list[Change]:
        """What was changed after version `since`, oldest first; each account once, with its newest version."""
        ...

    def all(self) -> AsyncIterator[Account | AccountError]:
        """Every account by id, disabled ones too; a broken row is given as its error."""
        ...

    async def put(self, accounts: Iterable[Account]) -> None:
        """Write all of them or none. Raises `AccountError` where a phone number or host belongs to another account."""
        ...

    async def delete(self, account_id: str) -> bool:
        """Whether it was there."""
        ...

    async def aclose(self) -> None: ...
