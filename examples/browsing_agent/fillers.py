"""What is said at once when a tool begins, so that the caller does not hear silence while a page loads."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FILLERS = ("Let me look.", "One moment.", "I am having a look.")
"""They are among the service's openers: their sound is ready before the first call."""


class Fillers:
    """One at a turn, and not the same one twice in a row."""

    def __init__(self, words: Sequence[str] = FILLERS) -> None:
        self._words = itertools.cycle(words)
        self._said = False

    def new_turn(self) -> None:
        """The caller has spoken: the next tool may begin with words again."""
        self._said = False

    def next(self) -> str | None:
        """None if this turn has had its own: tools that follow each other are one piece of work to the caller."""
        if self._said:
            return None
        self._said = True
        return next(self._words)
