"""`account import`: what a file would change in the store, and its writing, whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cli.accounts.entries import checked, read_entries
from cli.accounts.place import everything, opened
from cli.accounts.problems import Refused
from cli.accounts.saving import put

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from accounts.record import Account
    from cli.accounts.entries import Entry
    from cli.accounts.place import Everything


@dataclass(frozen=True)
class Plan:
    """What is to be written. `changed`: the names of the fields that differ, by id."""

    new: list[Account]
    changed: list[Account]
    same: list[Account]
    differing: Mapping[str, list[str]]

    def lines(self) -> list[str]:
        """One a new or changed account."""
        told = [f"new      {account.id}" for account in self.new]
        return told + [f"changed  {each.id}: {', '.join(self.differing[each.id])}" for each in self.changed]

    def __str__(self) -> str:
        return f"{len(self.new)} new, {len(self.changed)} changed, {len(self.same)} the same"


async def plan_import(url: str, path: Path) -> Plan:
    """Read and compare. Raises `Refused` with a line for each problem of the file, and each number of others."""
    accounts = checked(read_entries(path))
    found = await everything(url)
    problems = _claimed_by_others(accounts, found)
    if problems:
        raise Refused(problems)
    new: list[Account] = []
    changed: list[Account] = []
    same: list[Account] = []
    differing: dict[str, list[str]] = {}
    for account, _ in accounts:
        before = found.accounts.get(account.id)
        if account == before:
            same.append(account)
        elif before is None and account.id not in found.broken:
            new.append(account)
        else:
            changed.append(account)
            differing[account.id] = _differing(before, account) if before else ["it was broken"]
    return Plan(new, changed, same, differing)


async def write(url: str, accounts: list[Account]) -> None:
    """All of them or none. Raises `Refused`."""
    if accounts:
        async with opened(url) as store:
            await put(store, accounts)


def _claimed_by_others(accounts: list[tuple[Account, Entry]], found: Everything) -> list[str]:
    """A line for each number or host that stays with an account which is not written here."""
    from accounts.record import claims_of

    written = {account.id for account, _ in accounts}
    others = {
        claim: other.id for other in found.accounts.values() if other.id not in written for claim in claims_of(other)
    }
    return [
        entry.told(f"{name}: got {value!r}, which the account {others[name, value]} has; allowed: once")
        for account, entry in accounts
        for name, value in claims_of(account)
        if (name, value) in others
    ]


def _differing(before: Account, after: Account) -> list[str]:
    return [name for name in type(after).model_fields if getattr(before, name) != getattr(after, name)]
