"""Accounts as a folder of YAML files, one an account, for those who want no database."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from accounts.folder_index import SUFFIX, Contents, look
from accounts.record import Account, AccountError, claimed, claims_of, is_id, refuse_doubles, to_values
from accounts.store import StoreError
from utils import yaml_text

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterable, Sequence

    from accounts.store import Change, Key

LOCK = ".accounts.lock"
LOCK_LIMIT_S = 5.0
_TEMPORARY = ".tmp"


class FolderStore:
    """An `AccountStore` on `<id>.yaml` files, which people may edit while it is open. For one event loop.

    All of it is held in memory: it is meant for some thousands of accounts. A folder that is not there is a
    `StoreError` until `put` makes it. `changes` tells what this process saw to change, so versions are its own. A
    broken file is an `AccountError` whose problems name file and line.

    Each file is written whole or not at all. A batch is checked and written whole beside the old files before its first
    one is put in place: only what stops the process between two of these moves leaves a batch half done, and others see
    it so for that moment. What is on its way to the disk when the power goes is lost, as with any file. A record that
    `put` does not change keeps its file as it is, comments too.
    """

    def __init__(self, folder: Path | str) -> None:
        self._folder = Path(folder)
        self._contents = Contents()
        self._reading = threading.Lock()
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[Contents] | None = None
        self._looks: set[asyncio.Task[Contents]] = set()

    def __repr__(self) -> str:
        return f"FolderStore({str(self._folder)!r})"

    async def find(self, key: Key) -> Account | None:
        found = (await self._now()).named(key.kind, key.value)
        if isinstance(found, AccountError):
            raise _anew(found)
        return found

    async def common(self, count: int) -> list[Account]:
        found = (await self._now()).accounts.values()
        return [each for each in found if isinstance(each, Account) and each.enabled][:count]

    async def used(self, counts: dict[str, int]) -> None:
        """A folder forgets them: to count calls is no reason to write into people's files."""

    async def version(self) -> int:
        return (await self._now()).version

    async def changes(self, since: int) -> list[Change]:
        return (await self._now()).changes(since)

    async def all(self) -> AsyncIterator[Account | AccountError]:
        for each in (await self._now()).accounts.values():
            yield _anew(each) if isinstance(each, AccountError) else each

    async def put(self, accounts: Iterable[Account]) -> None:
        batch = list(accounts)
        refuse_doubles(batch)
        if batch:
            await asyncio.to_thread(self._put, batch)

    async def delete(self, account_id: str) -> bool:
        return is_id(account_id) and await asyncio.to_thread(self._delete, account_id)

    async def aclose(self) -> None:
        """After the looks that are under way. Closing twice is allowed."""
        if self._looks:
            await asyncio.wait(self._looks)

    # ---- reading ------------------------------------------------------------------------------------------

    async def _now(self) -> Contents:
        """What is there now: one look for all who ask before it begins. Raises `StoreError`."""
        if self._next is None:
            self._next = asyncio.create_task(self._look_in_turn(), name="accounts folder")
            self._looks.add(self._next)
            self._next.add_done_callback(self._looked)
        # others wait for the same look: who gives up must not end it
        return await asyncio.shield(self._next)

    async def _look_in_turn(self) -> Contents:
        async with self._turn:
            self._next = None  # who asks from here on may ask for what is written after this look
            return await asyncio.to_thread(self._look)

    def _looked(self, task: asyncio.Task[Contents]) -> None:
        self._looks.discard(task)
        if not task.cancelled():
            task.exception()  # perhaps all who asked have gone

    def _look(self) -> Contents:
        with self._reading:  # each version once, in whichever thread it is seen
            self._contents = look(self._folder, self._contents)
            return self._contents

    # ---- writing, in a thread -----------------------------------------------------------------------------

    def _put(self, batch: Sequence[Account]) -> None:
        with self._writing():
            there = self._look()
            written = {each.id for each in batch}
            for account in batch:
                for field, value in claims_of(account):
                    for owner in there.owners.get((field, value), ()):
                        if owner not in written:
                            raise claimed(account.id, field, value, owner)
            self._write([each for each in batch if there.accounts.get(each.id) != each])
            self._look()

    def _delete(self, account_id: str) -> bool:
        if not self._folder.is_dir():
            return False
        with self._writing():
            try:
                self._path(account_id).unlink()
            except FileNotFoundError:
                return False
            self._look()
            return True

    def _write(self, batch: Sequence[Account]) -> None:
        for left in self._folder.glob(f".*{_TEMPORARY}"):
            left.unlink()  # of a process that died: no other writes now
        new: list[tuple[Path, Path]] = []
        try:
            for account in batch:
                target = self._path(account.id)
                new.append((self._folder / f".{account.id}-{token_hex(4)}{_TEMPORARY}", target))
                _write_file(new[-1][0], yaml_text.dump(to_values(account)), like=target)
            for temporary, target in new:
                temporary.replace(target)
        finally:
            for temporary, _ in new:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)

    def _path(self, account_id: str) -> Path:
        if not is_id(account_id):  # an account that was made without being checked
            raise AccountError(account_id[:64], ["id: not an id, and so no file's name"])
        return self._folder / f"{account_id}{SUFFIX}"

    @contextmanager
    def _writing(self) -> Generator[None]:
        """The only writer of this folder, in whichever process. Raises `StoreError` for what cannot be written."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # SQLite's lock of a file works on each system, and is free when its process dies.
            lock = sqlite3.connect(self._folder / LOCK, timeout=LOCK_LIMIT_S, isolation_level=None)
            try:
                lock.execute("BEGIN EXCLUSIVE")
                yield
            finally:
                lock.close()
        except (OSError, sqlite3.Error) as error:
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise StoreError(f"folder {self._folder}: not written ({why})") from error


def _write_file(path: Path, text: str, *, like: Path) -> None:
    """The whole text, with the rights of `like` if that is there."""
    with path.open("x", encoding="utf-8", newline="\n") as file:
        if like.exists():
            shutil.copymode(like, path)
        file.write(text)


def _anew(error: AccountError) -> AccountError:
    """To be raised: an exception that is kept and raised again and again would gather tracebacks."""
    return AccountError(error.account, error.problems)
