"""A stretch of time in which something is wrong: it begins at once, ends with care, and does not flap."""

from __future__ import annotations

FIRST_CALM = 2
LONGEST_CALM = 16
RELAPSE_LOOKS = 10
"""Wrong again so soon after an end: that end was too early."""


class Episode:
    """Told of one look after the other; `looked` says whether the episode has just begun or ended.

    It ends after FIRST_CALM looks in a row without anything wrong. Each time that it is back within RELAPSE_LOOKS the
    next end takes twice as many, up to LONGEST_CALM; a longer peace makes up for that.
    """

    def __init__(self) -> None:
        self.is_on = False
        self.count = 0
        """Episodes so far, the running one too."""
        self._calm = 0
        self._needed = FIRST_CALM

    def looked(self, *, wrong: bool, calm: bool | None = None) -> bool:
        """True if `is_on` has changed. `calm`: good enough for an end; None: not wrong is enough."""
        calm = not wrong if calm is None else calm and not wrong
        before = self.is_on
        if wrong:
            if not self.is_on and self.count:
                relapse = self._calm < RELAPSE_LOOKS
                self._needed = min(2 * self._needed, LONGEST_CALM) if relapse else FIRST_CALM
            self.count += not self.is_on
            self.is_on, self._calm = True, 0
        elif not self.is_on:
            self._calm += 1
        else:
            self._calm = self._calm + 1 if calm else 0
            if self._calm >= self._needed:
                self.is_on, self._calm = False, 0
        return self.is_on != before
