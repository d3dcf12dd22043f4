"""What the LLM was asked: each simulated reply has a number, which the caller hears, and a line in a file."""

from __future__ import annotations

import itertools
import json
import re
import time
import zlib
from random import Random
from typing import TYPE_CHECKING, Any, TextIO

from bench.scripts.record import Request
from bench.turns.dialogue import DAYS, OPENERS, SENTENCES
from sim.dialogue import Reply, content_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from sim.dialogue import Message

CALL = "This is call"
"""In front of the room's name, in the agent's instructions."""
ANSWER = "Answer"
"""In front of the reply's number, in its first clause."""
LONG_SHARE = 0.4
"""Of the replies. The others are short, so that a run of 500 scripts is."""


class NumberedDialogue:
    """A short reply to anything; what it answers is written to `file`, a line each.

    It numbers what it says, and says the same to the same words otherwise.
    """

    def __init__(self, seed: int, file: TextIO) -> None:
        self._seed = seed
        self._file = file
        self._numbers = itertools.count(1)

    def reply(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> Reply:
        said = [(str(message.get("role")), content_text(message)) for message in messages]
        number = next(self._numbers)
        at_s = time.perf_counter()
        chance = Random(zlib.crc32(f"{self._seed}/{said}".encode()))
        day = chance.choice(DAYS)
        sentence = f"On {day}."
        if chance.random() < LONG_SHARE:
            sentence = chance.choice(SENTENCES).format(n=chance.randint(2, 59), day=day)
        opener = f"{chance.choice(OPENERS)} " if chance.random() < 0.5 else ""
        text = f"{opener}{ANSWER} {number}, {sentence[0].lower()}{sentence[1:]}"
        line = {"number": number, "call": _call(said), "at_s": at_s, "messages": said, "reply": text}
        print(json.dumps(line, ensure_ascii=False), file=self._file, flush=True)
        return Reply(text)


def number_in(text: str) -> int | None:
    """The number of the reply with this text; None if it is not there, as in one that was broken off."""
    found = re.search(rf"\b{ANSWER} (\d+)[,.]", text)
    return int(found[1]) if found else None


class Asked:
    """What the LLM was asked in a run, read from its file."""

    def __init__(self, file: Path) -> None:
        self._lines: dict[str, list[dict[str, Any]]] = {}
        for text in file.read_text(encoding="utf-8").splitlines():
            line = json.loads(text)
            self._lines.setdefault(line["call"], []).append(line)

    def of(self, call: str, zero_s: float) -> tuple[Request, ...]:
        """The requests of one call, in their order; `zero_s`: the time from which theirs is told."""
        return tuple(_request(line, zero_s) for line in self._lines.get(call, []))


def _request(line: dict[str, Any], zero_s: float) -> Request:
    messages: list[tuple[str, str]] = [(role, text) for role, text in line["messages"]]
    last = max((index for index, (role, _) in enumerate(messages) if role == "assistant"), default=-1)
    return Request(
        number=line["number"],
        at_s=round(line["at_s"] - zero_s, 3),
        answered=_callers(messages[last + 1 :]),
        told=_callers(messages),
        reply=line["reply"],
        agent_said=tuple(text for role, text in messages if role == "assistant"),
    )


def _callers(messages: Iterable[tuple[str, str]]) -> str:
    return " ".join(text for role, text in messages if role == "user")


def _call(messages: Iterable[tuple[str, str]]) -> str:
    for _, text in messages:
        found = re.search(rf"{CALL} (\S+)", text)
        if found:
            return found[1]
    return ""
