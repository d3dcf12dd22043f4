"""How much of a reply a caller has heard when it is broken off: the history must not hold more.

The framework asks its transcript synchronizer, which costs 22 % of the loop and is off here. Without it the history
holds all words of a reply of which the caller heard the first two.
"""

from __future__ import annotations

FASTEST_CHARS_A_S = 22.0
"""Of speech. Words may be further ahead of their sound than that while the reply is still being spoken."""


class HeardWords:
    """Told the words and the sound of each reply as they come; words that no sound followed are forgotten."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._all_told = False
        self._sound_s = 0.0

    def add_text(self, text: str) -> None:
        if self._all_told:
            self._parts.clear()
            self._all_told = False
        self._parts.append(text)

    def end_text(self) -> None:
        """The words of this reply are all there; the next ones are another reply's."""
        self._all_told = True

    @property
    def under_way(self) -> str:
        """The words so far of a reply whose last one has not been told."""
        return "" if self._all_told else "".join(self._parts)

    def end_sound(self) -> None:
        """The reply was played, or broken off."""
        self._sound_s = 0.0

    def add_sound(self, length_s: float) -> None:
        self._sound_s += length_s

    def until(self, position_s: float) -> str | None:
        """The words of the first `position_s` of the sound: whole ones, as many as fit their share of it.

        None if nobody told the words: the caller's screen is off.
        """
        text = "".join(self._parts)
        if not text:
            return None
        if self._sound_s <= 0 or position_s <= 0:
            return ""
        if position_s >= self._sound_s:
            return text
        chars = min(position_s / self._sound_s * len(text), position_s * FASTEST_CHARS_A_S)
        heard = text[: int(chars)]
        if len(heard) < len(text) and not text[len(heard)].isspace():
            heard = heard[: _last_space(heard)]
        return heard.rstrip()


def _last_space(text: str) -> int:
    return max((index for index, char in enumerate(text) if char.isspace()), default=0)
