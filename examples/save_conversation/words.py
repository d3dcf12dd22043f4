"""Who says what, from the first words on: what is settled, and what may still change."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from examples.save_conversation.entries import Said

if TYPE_CHECKING:
    from collections.abc import Callable

    from examples.save_conversation.entries import Who

MOST_CHARS = 20_000
"""Of one text: more is nobody's sentence."""


@dataclass
class _Line:
    """What one of the two is saying now."""

    number: int
    at_s: float
    text: str = ""
    told: str = ""


class Words:
    """Turns what is heard of both into entries, which `put` is given. `clock_s` is a `time.time()`."""

    def __init__(self, put: Callable[[Said], None], clock_s: Callable[[], float] = time.time) -> None:
        self._put = put
        self._clock_s = clock_s
        self._lines: dict[Who, _Line] = {}
        self._count = 0
        self._finals: list[str] = []

    def hear(self, text: str, *, final: bool) -> None:
        """The STT's newest words of the caller: of those that are not final all since the last final ones."""
        if text:
            self.going_on("caller", " ".join([*self._finals, text]))
        if final and text:
            self._finals.append(text)

    def going_on(self, who: Who, text: str) -> None:
        """All of what `who` is saying, so far."""
        if text:
            self._line(who).text = text[:MOST_CHARS]

    def settle(self, who: Who, text: str, *, interrupted: bool = False, at_s: float | None = None) -> None:
        """It was said, and heard; nothing of it changes any more."""
        line = self._lines.pop(who, None) or self._new(at_s)
        if who == "caller":
            self._finals.clear()
        if text:
            said_at_s = at_s or line.at_s
            self._put(Said(said_at_s, line.number, who, text[:MOST_CHARS], interrupted=interrupted))

    def tell(self) -> None:
        """Put what has changed since the last time, as words that may change."""
        for who, line in self._lines.items():
            if line.text != line.told:
                line.told = line.text
                self._put(Said(line.at_s, line.number, who, line.text, settled=False))

    def end(self) -> None:
        """The call is over: what was said last stays as it is. The agent's words were cut short by that."""
        for who in tuple(self._lines):
            line = self._lines.pop(who)
            said = Said(line.at_s, line.number, who, line.text)
            self._put(replace(said, interrupted=who == "agent"))

    def _line(self, who: Who) -> _Line:
        if who not in self._lines:
            self._lines[who] = self._new(None)
        return self._lines[who]

    def _new(self, at_s: float | None) -> _Line:
        self._count += 1
        return _Line(self._count, at_s or self._clock_s())
