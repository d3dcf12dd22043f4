"""The lines of a saved conversation: as objects, as JSON, and back."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal, cast

TIME_FORMAT = "%Y-%m-%dT%H:%M:%S.%fZ"
"""Of every time in every file, in UTC; `strftime` writes it and `strptime` reads it."""

Who = Literal["caller", "agent"]


@dataclass(frozen=True)
class Began:
    """The first line. `at_s` is a `time.time()`, here and below."""

    at_s: float
    call: str
    room: str
    account: str = ""


@dataclass(frozen=True)
class Said:
    """What one of the two said. Of the lines with one `number` the last counts: the others were written on the way.

    `settled`: it will not change. `interrupted`: the agent was, and `text` is what the caller heard of it.
    """

    at_s: float
    number: int
    who: Who
    text: str
    settled: bool = True
    interrupted: bool = False


@dataclass(frozen=True)
class Lost:
    """So many lines are missing here: the disk took none, and memory has an end."""

    at_s: float
    lines: int


@dataclass(frozen=True)
class Ended:
    at_s: float
    by: str


@dataclass(frozen=True)
class Mended:
    """A later process found the conversation without its end. `torn_bytes` of a half-written line were cut off."""

    at_s: float
    torn_bytes: int = 0


Entry = Began | Said | Lost | Ended | Mended

KINDS: dict[str, type[Entry]] = {"began": Began, "said": Said, "lost": Lost, "ended": Ended, "mended": Mended}
_NAMES = {kind: name for name, kind in KINDS.items()}
_TYPES: dict[object, type] = {"str": str, "int": int, "bool": bool, "Who": str}


def told_time(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime(TIME_FORMAT)


def read_time(text: str) -> float:
    """Raises ValueError."""
    return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC).timestamp()


def encoded(entry: Entry) -> bytes:
    """One line, with its end. What is no Unicode in a provider's words is kept as JSON's escape."""
    content = {"kind": _NAMES[type(entry)], "at": told_time(entry.at_s)}
    content |= {each.name: getattr(entry, each.name) for each in fields(entry) if each.name != "at_s"}
    return json.dumps(content, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def decoded(line: bytes) -> Entry | None:
    """None for what is no line of ours: half of one, or zeros that a power cut has left."""
    try:
        content = cast("object", json.loads(line))
        if not isinstance(content, dict):
            return None
        values = cast("dict[str, Any]", content)
        kind = KINDS[values.pop("kind")]
        at_s = read_time(values.pop("at"))
        entry = kind(at_s=at_s, **values)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return entry if _is_right(entry) else None


def _is_right(entry: Entry) -> bool:
    right = all(type(getattr(entry, each.name)) is _TYPES.get(each.type, float) for each in fields(entry))
    return right and not (isinstance(entry, Said) and entry.who not in ("caller", "agent"))
