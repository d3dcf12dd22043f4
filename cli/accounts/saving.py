"""`account add`, `edit` and `remove`: one record, checked, heard if that is asked for, and then written."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cli.accounts.entries import Entry, read_entries
from cli.accounts.place import opened, place_of
from cli.accounts.problems import FOUND_PROBLEMS, Refused
from cli.preview import PreviewFailed, write_preview

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from accounts.record import Account
    from accounts.store import AccountStore
    from cli.preview import Preview
    from config import Settings


class ChangedMeanwhile(Refused):
    """Somebody else has written the account; `now` is what it has become."""

    def __init__(self, account_id: str, now: Account | None) -> None:
        super().__init__([f"{account_id}: was changed by somebody else meanwhile"], FOUND_PROBLEMS)
        self.now = now


def read_one(file: Path) -> Entry:
    """The one record of a file. Raises `Refused`."""
    found = read_entries(file)
    if found.problems:
        raise Refused(found.problems)
    if len(found.entries) != 1:
        count = len(found.entries)
        raise Refused([f"--file: got {file} with {count} records; allowed: one (`account import` takes many)"])
    return found.entries[0]


def build(
    account_id: str,
    values: Mapping[str, object],
    file: Entry | None,
    options: Mapping[str, object],
    clear: Sequence[str] = (),
) -> Account:
    """`values` or what `file` says, and over it what `options` say; without what is in `clear`.

    Raises `Refused` with a line a field, which names the file's line where that is the wrong one.
    """
    if file is not None:
        file = replace(file, values={"id": account_id, **file.values})
        if file.values["id"] != account_id:
            raise Refused([file.told(f"id: got {file.values['id']!r}, allowed: {account_id!r}, as the command has it")])
    merged = {**values, "id": account_id, **(file.values if file else {}), **options}
    entry = Entry(account_id, 0, {name: value for name, value in merged.items() if name not in clear})
    return _checked(entry, file, options)


async def save(url: str, account: Account, *, before: Account | None) -> None:
    """Write one account that was `before`, or None for a new one. Raises `Refused`; nothing is written then."""
    from accounts.address import exists
    from accounts.record import AccountError
    from accounts.store import Key

    async with opened(url) as store:
        try:
            now = await store.find(Key("id", account.id)) if exists(url) else None
        except AccountError:
            raise Refused([f"ID: {account.id} is there, and broken; `account import` or `remove` mends that"]) from None
        if now is not None and before is None:
            raise Refused([f"ID: got {account.id!r}, which is there already; `account edit` changes it"])
        if now != before:
            raise ChangedMeanwhile(account.id, now)
        await put(store, [account])


async def put(store: AccountStore, accounts: Sequence[Account]) -> None:
    """All or none. Raises `Refused` with what another account has already."""
    from accounts.record import AccountError

    try:
        await store.put(accounts)
    except AccountError as error:
        raise Refused([f"{error.account}: {problem}" for problem in error.problems]) from None


async def remove(url: str, account_id: str) -> None:
    """Raises `Refused` for one that is not there."""
    async with opened(url) as store:
        if not await store.delete(account_id):
            raise Refused([f"ID: got {account_id!r}, {place_of(url)} has no such account; `account list` has all"])


async def preview(settings: Settings, account: Account, file: Path) -> Preview:
    """The greeting as a call of the account would speak it. Raises `Refused`."""
    from accounts.briefing import own_settings

    theirs = own_settings(account, settings)
    try:
        return await write_preview(theirs, account.greeting, file)
    except PreviewFailed as error:
        raise Refused([f"--preview: {error}"], FOUND_PROBLEMS) from None


def _checked(entry: Entry, file: Entry | None, options: Mapping[str, object]) -> Account:
    from accounts.record import AccountError, parse_account

    try:
        return parse_account(entry.values)
    except AccountError as error:
        lines: list[str] = []
        for problem in error.problems:
            name = problem.partition(":")[0].strip("'")
            in_file = file is not None and name in file.values and name not in options
            lines.append(file.told(problem) if in_file and file else f"{error.account}: {problem}")
        raise Refused(lines) from None
