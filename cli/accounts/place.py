"""The store that ACCOUNTS_URL names, for one command; and what a command reads of all of it."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.accounts.problems import FOUND_PROBLEMS, Refused

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from accounts.record import Account, AccountError
    from accounts.store import AccountStore


@dataclass(frozen=True)
class Everything:
    """All accounts of a store by id; `broken` ones as their errors; `versions` of those whose store tells it."""

    accounts: Mapping[str, Account]
    broken: Mapping[str, AccountError]
    versions: Mapping[str, int]

    def problems(self) -> list[str]:
        """A line for each problem of each broken record."""
        return [f"{name}: broken: {problem}" for name, error in self.broken.items() for problem in error.problems]


@asynccontextmanager
async def opened(url: str) -> AsyncGenerator[AccountStore]:
    """The store. Raises `Refused` for an address that is none, and for a store that does not answer."""
    from accounts.address import open_store
    from accounts.record import AccountError
    from accounts.store import StoreError

    logging.getLogger("alembic").setLevel(logging.WARNING)  # that a new database gets its tables is no news here
    try:
        store = open_store(url)
    except ValueError as error:
        raise Refused([f"ACCOUNTS_URL: {error}"]) from None
    try:
        try:
            yield store
        finally:
            await store.aclose()
    except StoreError as error:
        raise Refused([f"The accounts are not reached: {error}"], FOUND_PROBLEMS) from None
    except AccountError as error:
        raise Refused([f"{error.account}: {problem}" for problem in error.problems], FOUND_PROBLEMS) from None


def place_of(url: str) -> str:
    """The address without a password."""
    from accounts.address import told

    return told(url)


async def everything(url: str) -> Everything:
    """What the store has. A store that was never written is empty, and is not made."""
    from accounts.address import exists
    from accounts.record import AccountError

    accounts: dict[str, Account] = {}
    broken: dict[str, AccountError] = {}
    versions: dict[str, int] = {}
    async with opened(url) as store:
        if exists(url):
            async for each in store.all():
                if isinstance(each, AccountError):
                    broken[each.account] = each
                else:
                    accounts[each.id] = each
            versions = {change.account_id: change.version for change in await store.changes(0)}
    return Everything(accounts, broken, versions)


async def account_of(url: str, account_id: str) -> tuple[Account, int | None]:
    """One account and its version. Raises `Refused` for one that is not there, or is broken."""
    from accounts.address import exists
    from accounts.store import Key

    async with opened(url) as store:
        account = await store.find(Key("id", account_id)) if exists(url) else None
        if account is None:
            raise Refused([f"ID: got {account_id!r}, {place_of(url)} has no such account; `account list` has all"])
        version = next((each.version for each in await store.changes(0) if each.account_id == account_id), None)
        return account, version
