"""What the LLM was asked: each simulated reply has a number that the caller hears, and a line in a file."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO, cast

from sim.dialogue import Reply, content_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sim.dialogue import Message

OPENER = "Of course."
"""Each reply begins with it: the agent learns it, and has to play it in the voice of whom the caller called."""
ANSWER = "This is answer"


@dataclass(frozen=True)
class Asked:
    """One request, for reply `number`. `said`: what the agent itself has said in the call, by the history."""

    number: int
    instructions: str
    tools: tuple[str, ...]
    said: tuple[str, ...]
    heard: tuple[str, ...]


class AskedDialogue:
    """Answers anything with a number; what it was asked is written to `file`, a line each."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._numbers = itertools.count(1)

    def reply(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> Reply:
        number = next(self._numbers)

        def of(*roles: str) -> list[str]:
            return [content_text(message) for message in messages if message.get("role") in roles]

        line = {
            "number": number,
            "instructions": "\n".join(of("system", "developer")),
            "tools": sorted(map(_name, tools)),
            "said": of("assistant"),
            "heard": of("user"),
        }
        print(json.dumps(line, ensure_ascii=False), file=self._file, flush=True)
        return Reply(f"{OPENER} {ANSWER} {number}.")


def read_asked(file: Path) -> list[Asked]:
    """All requests of the file so far, in their order."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    found = [json.loads(line) for line in lines]
    return [
        Asked(each["number"], each["instructions"], *(tuple(each[name]) for name in ("tools", "said", "heard")))
        for each in found
    ]


def number_in(text: str) -> int | None:
    """The number of the reply with this text; None if it is not there, as in one that was broken off."""
    found = re.search(rf"\b{ANSWER} (\d+)\.", text)
    return int(found[1]) if found else None


def _name(tool: Mapping[str, Any]) -> str:
    return str(cast("dict[str, Any]", tool.get("function") or tool).get("name", ""))
