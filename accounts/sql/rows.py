"""An account as rows: its record, and what names it in tables of their own, so that the database refuses a second."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Table, bindparam, delete, insert, select, update

from accounts.record import Account, AccountError, parse_account
from accounts.sql.tables import accounts, counter, hosts, numbers, removed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Row, Select
    from sqlalchemy.ext.asyncio import AsyncConnection

_MOST_VALUES = 500
"""In one question: databases limit them."""
_CLAIMED = {"phone_numbers": numbers, "hosts": hosts}
"""Fields whose values belong to one account each. The table's first column is the value."""


def rows() -> Select[Any, Any]:
    """What `account_of` needs."""
    return select(accounts.c.id, accounts.c.content)


def account_of(row: Row[Any, Any]) -> Account:
    """Raises `AccountError` for a row that is no record."""
    name, content = row
    if not isinstance(content, dict):
        raise AccountError(name, ["content: not readable, allowed: a JSON object with the record's fields"])
    return parse_account({**cast("dict[str, Any]", content), "id": name})


def account_or_error(row: Row[Any, Any]) -> Account | AccountError:
    """The same, with the error as a value."""
    try:
        return account_of(row)
    except AccountError as error:
        return error


async def newest(connection: AsyncConnection) -> int:
    """The newest change's version. Its row stays locked: another writer waits here until this transaction ends.

    A sequence would give numbers without waiting: a transaction that commits late would then show a change below
    what a reader has seen already, and the reader would never ask for it.
    """
    return (await connection.execute(select(counter.c.version).with_for_update())).scalar_one()


async def write(connection: AsyncConnection, batch: list[Account]) -> None:
    """All of them, in the order of their ids, each one a change. Raises `AccountError` for what belongs to another."""
    for account, following in pairwise(batch):
        if account.id == following.id:
            raise AccountError(account.id, [f"id: got {account.id!r} twice, allowed: each account once"])
    claims = {field: _claims(batch, field) for field in _CLAIMED}
    first = await newest(connection) + 1
    there = {name for name, _ in await _of(connection, accounts, [account.id for account in batch])}
    values = {account.id: _values(account, version) for version, account in enumerate(batch, first)}
    if changed := [{"of": name, **values[name]} for name in values if name in there]:
        for table in _CLAIMED.values():
            of_them = delete(table).where(table.c.account == bindparam("of"))
            await connection.execute(of_them, [{"of": each["of"]} for each in changed])
        await connection.execute(update(accounts).where(accounts.c.id == bindparam("of")), changed)
    if new := [{"id": name, **values[name]} for name in values if name not in there]:
        await connection.execute(insert(accounts), new)
        back = delete(removed).where(removed.c.id == bindparam("of"))
        await connection.execute(back, [{"of": each["id"]} for each in new])
    for field, table in _CLAIMED.items():
        await _claim(connection, field, table, claims[field])
    await connection.execute(update(counter).values(version=first + len(batch) - 1))


async def remove(connection: AsyncConnection, account_id: str) -> bool:
    """Whether it was there: then it is a change."""
    version = await newest(connection) + 1
    gone = await connection.execute(delete(accounts).where(accounts.c.id == account_id))
    if not gone.rowcount:
        return False
    await connection.execute(insert(removed).values(id=account_id, version=version))
    await connection.execute(update(counter).values(version=version))
    return True


def _values(account: Account, version: int) -> dict[str, Any]:
    return {
        "name": account.name,
        "enabled": account.enabled,
        "version": version,
        "content": account.model_dump(mode="json", exclude={"id"}, exclude_none=True),
        "updated_at": datetime.now(UTC),
    }


def _claims(batch: list[Account], field: str) -> dict[str, str]:
    """Who wants which value."""
    wanted: dict[str, str] = {}
    for account in batch:
        for value in cast("tuple[str, ...]", getattr(account, field)):
            if wanted.setdefault(value, account.id) != account.id:
                raise _taken(account.id, field, {value: wanted[value]})
    return wanted


async def _claim(connection: AsyncConnection, field: str, table: Table, wanted: Mapping[str, str]) -> None:
    owners: dict[str, str] = dict(await _of(connection, table, list(wanted)))
    if owners:
        refused = min(wanted[value] for value in owners)
        raise _taken(refused, field, {value: owner for value, owner in owners.items() if wanted[value] == refused})
    if wanted:
        key = table.columns[0].name
        await connection.execute(insert(table), [{key: value, "account": name} for value, name in wanted.items()])


def _taken(account: str, field: str, owners: Mapping[str, str]) -> AccountError:
    return AccountError(
        account,
        [
            f"{field}: got {value!r}, allowed: what no other account has ({owners[value]} has it)"
            for value in sorted(owners)
        ],
    )


async def _of(connection: AsyncConnection, table: Table, keys: list[str]) -> list[Any]:
    """The first two columns of a table, where the first is one of `keys`."""
    found: list[Any] = []
    for begin in range(0, len(keys), _MOST_VALUES):
        of_these = select(*table.columns[:2]).where(table.columns[0].in_(keys[begin : begin + _MOST_VALUES]))
        found += (await connection.execute(of_these)).all()
    return found
