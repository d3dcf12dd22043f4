"""Files of records (YAML, JSON, JSONL, a folder of YAML), each record with the place where it stands."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from cli.accounts.problems import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from accounts.record import Account
    from utils.yaml_text import Item

YAML = (".yaml", ".yml")
SUFFIXES = (*YAML, ".json", ".jsonl")
ALLOWED = f"a file that ends in {', '.join(SUFFIXES)}, or a folder of YAML files"


@dataclass(frozen=True)
class Entry:
    """One record, not yet checked. `lines`: of its fields, where the file tells them."""

    file: str
    line: int
    values: Mapping[str, object]
    lines: Mapping[str, int] = field(default_factory=dict[str, int])

    def place(self, name: str = "") -> str:
        """Where the field stands, or the record."""
        return f"{self.file}:{self.lines.get(name, self.line)}"

    def told(self, problem: str) -> str:
        """A line for a problem that begins with its field's name, as those of `AccountError` do."""
        place = self.place(problem.partition(":")[0].strip("'"))
        return f"{place}: {self.values.get('id', 'a record without an id')}: {problem}"


@dataclass
class Found:
    """What was read: the records, and a line for each place where there should be one."""

    entries: list[Entry] = field(default_factory=list[Entry])
    problems: list[str] = field(default_factory=list[str])


def read_entries(path: Path) -> Found:
    """The records of a file or folder. Raises `Refused` if there are neither records nor problems."""
    found = Found()
    if path.is_dir():
        for file in sorted(each for each in path.iterdir() if each.suffix in YAML and not each.name.startswith(".")):
            _read(file, f"{path.name}/{file.name}", found, named=file.stem)
    else:
        _read(path, path.name, found)
    if not found.entries and not found.problems:
        raise Refused([f"{path}: has no record; allowed: {ALLOWED}"])
    return found


def checked(found: Found) -> list[tuple[Account, Entry]]:
    """The accounts. Raises `Refused` with the problems, a line for each wrong field, and for each double claim."""
    from accounts.record import AccountError, claims_of, parse_account

    accounts: list[tuple[Account, Entry]] = []
    problems = list(found.problems)
    claims: dict[tuple[str, str], Entry] = {}
    for entry in found.entries:
        try:
            account = parse_account(entry.values)
        except AccountError as error:
            problems += [entry.told(problem) for problem in error.problems]
            continue
        accounts.append((account, entry))
        for name, value in [("id", account.id), *claims_of(account)]:
            first = claims.setdefault((name, value), entry)
            if first is not entry:
                problems.append(entry.told(f"{name}: got {value!r}, which {first.place(name)} has; allowed: once"))
    if problems:
        raise Refused(problems)
    return accounts


def _read(path: Path, name: str, found: Found, *, named: str | None = None) -> None:
    """Add what one file has, called `name` in what is told; with `named`, one record that need not repeat its id."""
    from utils import yaml_text

    try:
        if path.suffix not in SUFFIXES:
            raise _Unreadable([f"got {path}; allowed: {ALLOWED}"])
        items = _items(path, name)
        if named is not None and len(items) != 1:
            raise _Unreadable([f"{name}: got {len(items)} records; allowed: one in each file of a folder"])
    except _Unreadable as error:
        found.problems += error.lines
        return
    except yaml_text.YamlProblem as error:
        found.problems.append(f"{name}:{error.line}: {error}")
        return
    for item in items:
        if not isinstance(item.value, dict):
            got = repr(item.value)[:40]
            found.problems.append(f"{name}:{item.line}: got {got}; allowed: a record, one `field: value` a line")
            continue
        values = cast("dict[str, object]", item.value)
        entry = Entry(name, item.line, {"id": named, **values} if named else values, item.lines)
        if named is not None and entry.values["id"] != named:
            problem = f"id: got {entry.values['id']!r}, allowed: {named!r}, as the file is named"
            found.problems.append(f"{entry.place('id')}: {problem}")
        else:
            found.entries.append(entry)


def _items(path: Path, name: str) -> list[Item]:
    """Raises `_Unreadable` and `YamlProblem`."""
    from utils import yaml_text

    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise _Unreadable([f"{path}: not readable ({why}); allowed: {ALLOWED}"]) from None
    if path.suffix in YAML:
        return yaml_text.load(text)
    try:
        return _jsonl(text) if path.suffix == ".jsonl" else _json(text)
    except _NotJson as error:
        raise _Unreadable([f"{name}:{line}: not readable as JSON: {what}" for line, what in error.places]) from None


class _Unreadable(Exception):
    """A file without records; a line each."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines


class _NotJson(Exception):
    """Places, as lines from 1, and what is wrong there."""

    def __init__(self, places: list[tuple[int, str]]) -> None:
        super().__init__()
        self.places = places


def _jsonl(text: str) -> list[Item]:
    from utils.yaml_text import Item

    items: list[Item] = []
    wrong: list[tuple[int, str]] = []
    # Not splitlines: a record may hold a line separator of Unicode's as it is.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            items.append(Item(json.loads(line), number, {}))
        except (json.JSONDecodeError, RecursionError) as error:
            wrong.append((number, _why(error)))
    if wrong:
        raise _NotJson(wrong)
    return items


def _json(text: str) -> list[Item]:
    """A list of records or one; each with the line where it begins."""
    from utils.yaml_text import Item

    try:
        whole = json.loads(text)
    except json.JSONDecodeError as error:
        raise _NotJson([(error.lineno, _why(error))]) from None
    except RecursionError as error:
        raise _NotJson([(1, _why(error))]) from None
    if not isinstance(whole, list):
        return [Item(whole, 1, {})]
    items: list[Item] = []
    decoder = json.JSONDecoder()
    counted, line = 0, 1
    place = _next(text, text.index("[") + 1)
    for value in cast("list[object]", whole):
        line += text.count("\n", counted, place)
        counted = place
        items.append(Item(value, line, {}))
        _, end = decoder.raw_decode(text, place)
        place = _next(text, _next(text, end) + 1)
    return items


def _next(text: str, place: int) -> int:
    """The place of the next character that is no blank."""
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def _why(error: json.JSONDecodeError | RecursionError) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep"
