"""What a folder of records holds: a file is read again when it has changed, and a version counts what that changed."""

from __future__ import annotations

import os
import stat
import time
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, cast

from accounts.record import Account, AccountError, claimed, claims_of, is_id, parse_account
from accounts.store import Change, StoreError
from utils import yaml_text

if TYPE_CHECKING:
    from collections.abc import Mapping

SUFFIX = ".yaml"
OTHER_SUFFIX = ".yml"  # told as an error: passed over, its account would be unknown without a word
MOST_BYTES = 128 * 1024  # the longest texts in the rarest script, each character escaped
SETTLED_NS = 2_000_000_000  # a file written again within one tick of its clock looks unchanged; FAT's tick is 2 s

Claim = tuple[str, str]
"""("phone_numbers", number) or ("hosts", host)."""
_FIELD_OF = {"phone": "phone_numbers", "host": "hosts"}


@dataclass(frozen=True)
class File:
    """One file as it was when it was read. `stamp` None: look again, whatever the file system says."""

    stamp: tuple[int, int, int] | None
    digest: bytes
    found: Account | AccountError
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Contents:
    """The folder at one moment. Versions are this process's own: 0 for an empty folder that was always empty."""

    files: Mapping[str, File] = field(default_factory=dict[str, File])
    accounts: Mapping[str, Account | AccountError] = field(default_factory=dict[str, Account | AccountError])
    """By id and in the order of ids; a file whose name is no id, by its name."""
    owners: Mapping[Claim, tuple[str, ...]] = field(default_factory=dict[Claim, tuple[str, ...]])
    """Who claims it: the first one has it."""
    versions: Mapping[str, int] = field(default_factory=dict[str, int])
    version: int = 0

    def named(self, kind: str, value: str) -> Account | AccountError | None:
        if kind == "id":
            return self.accounts.get(value)
        owners = self.owners.get((_FIELD_OF[kind], value))
        return self.accounts[owners[0]] if owners else None

    def changes(self, since: int) -> list[Change]:
        """Oldest first."""
        newer = [Change(name, version) for name, version in self.versions.items() if version > since]
        return sorted(newer, key=lambda change: change.version)


def look(folder: Path, before: Contents) -> Contents:
    """What is there now; `before` if nothing has changed. It blocks. Raises `StoreError` if the folder is not there."""
    try:
        root = os.path.realpath(folder)
        with os.scandir(root) as found:
            entries = {entry.name: entry for entry in found if _is_record(entry.name)}
        files = {name: _read(root, entries[name], before.files.get(name)) for name in sorted(entries)}
    except OSError as error:
        raise StoreError(f"folder {folder}: not readable ({error.strerror or type(error).__name__})") from error
    if all(file is before.files.get(name) for name, file in files.items()) and len(files) == len(before.files):
        return before
    if files.keys() == before.files.keys() and all(files[name].found is before.files[name].found for name in files):
        return replace(before, files=files)
    return _numbered(files, before)


def _is_record(name: str) -> bool:
    return name.lower().endswith((SUFFIX, OTHER_SUFFIX)) and not name.startswith(".")


def _read(root: str, entry: os.DirEntry[str], before: File | None) -> File:
    """The file as it is; the same account as `before` if it says the same."""
    name, path = entry.name, entry.path
    try:
        if entry.is_symlink():  # inside the folder they are how Kubernetes mounts one
            path = os.path.realpath(path)
            if os.path.commonpath([root, path]) != root:
                return _wrong(name, "a link that leads out of the folder; allowed: a file in it")
        info = entry.stat()
        stamp = (info.st_mtime_ns, info.st_size, info.st_ino)
        if before is not None and before.stamp == stamp:
            return before
        if not stat.S_ISREG(info.st_mode):
            return _wrong(name, "not a file; allowed: a file")
        if info.st_size > MOST_BYTES:
            return _wrong(name, f"{info.st_size} bytes; allowed: at most {MOST_BYTES}")
        read_at_ns = time.time_ns()
        content = Path(path).read_bytes()
    except (OSError, ValueError) as error:
        return _wrong(name, f"not readable ({type(error).__name__}); allowed: UTF-8 text")
    # What is written after this reading, within the same tick of its clock, would have this stamp too.
    settled = stamp if read_at_ns - info.st_mtime_ns > SETTLED_NS else None
    digest = blake2b(content, digest_size=16).digest()
    if before is not None and before.digest == digest:
        return before if settled == before.stamp else replace(before, stamp=settled)
    found, claims = _parsed(name, content)
    return File(settled, digest, found, claims)


def _wrong(name: str, problem: str) -> File:
    """A file that cannot be read as it is, but perhaps at the next look."""
    return File(None, b"", AccountError(_name_of(name), [f"{name}: {problem}"]))


def _name_of(file: str) -> str:
    """The account's id, or the file's whole name if it names none."""
    stem = file.removesuffix(SUFFIX)
    return stem if stem != file and is_id(stem) else file


def _parsed(name: str, content: bytes) -> tuple[Account | AccountError, tuple[Claim, ...]]:
    account_id = _name_of(name)
    if account_id == name:
        return AccountError(name, [f"{name}: got this name, allowed: an account's id and then {SUFFIX}"]), ()
    try:
        items = yaml_text.load(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        problem = f"{name}: not readable ({type(error).__name__}); allowed: UTF-8 text"
        return AccountError(account_id, [problem]), ()
    except yaml_text.YamlProblem as error:
        return AccountError(account_id, [f"{name}:{error.line}: {error}"]), ()
    if len(items) != 1:
        return AccountError(account_id, [f"{name}: has {len(items)} records, allowed: one a file"]), ()
    item = items[0]
    try:
        account = parse_account(item.value, kept_as=account_id)
    except AccountError as error:
        problems = [f"{name}:{item.lines.get(_field_in(each), item.line)}: {each}" for each in error.problems]
        return AccountError(account_id, problems), _claims_in(item.value)
    return account, tuple(claims_of(account))


def _field_in(problem: str) -> str:
    return problem.partition(":")[0].strip("'")


def _claims_in(values: object) -> tuple[Claim, ...]:
    """What a broken record claims: its numbers stay its own, and their callers learn that it is broken."""
    if not isinstance(values, dict):
        return ()
    record = cast("dict[str, object]", values)
    claims: list[Claim] = []
    for name in _FIELD_OF.values():
        listed = record.get(name)
        items = cast("list[object]", listed) if isinstance(listed, list) else []
        claims += [(name, each) for each in items if isinstance(each, str)]
    return tuple(claims)


def _numbered(files: Mapping[str, File], before: Contents) -> Contents:
    """All files together: who has what two of them claim, and a new version for each account that is not as before."""
    by_id = {_name_of(name): file for name, file in files.items()}
    owners: dict[Claim, tuple[str, ...]] = {}
    # Of two with the same number the first by id has it; a broken one has what nobody else wants.
    for name in sorted(by_id, key=lambda name: (isinstance(by_id[name].found, AccountError), name)):
        for claim in by_id[name].claims:
            owners[claim] = (*owners.get(claim, ()), name)
    accounts = {name: _unless_claimed(name, by_id[name], owners) for name in sorted(by_id)}
    versions, version = dict(before.versions), before.version
    for name in sorted(accounts.keys() | before.accounts.keys()):
        if not _same(accounts.get(name), before.accounts.get(name)):
            version += 1
            versions[name] = version
    return Contents(files, accounts, owners, versions, version)


def _unless_claimed(name: str, file: File, owners: Mapping[Claim, tuple[str, ...]]) -> Account | AccountError:
    if isinstance(file.found, Account):
        for claim in file.claims:
            if owners[claim][0] != name:
                problem = claimed(name, *claim, owners[claim][0]).problems[0]
                return AccountError(name, [f"{name}{SUFFIX}: {problem}"])
    return file.found


def _same(one: Account | AccountError | None, other: Account | AccountError | None) -> bool:
    if isinstance(one, AccountError) and isinstance(other, AccountError):
        return one.problems == other.problems
    return one is other or one == other
