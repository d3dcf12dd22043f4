"""What speculation may cost, and what it has cost: replies that are begun before the caller's turn is over."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_A_TURN = 3
MOST_A_MINUTE = 20
MINUTE_S = 60.0

Exhausted = Literal["turn", "minute"]


class SpeculationBudget:
    """Allows `most_a_turn` begun replies a turn of this call, and `most_a_minute` within any 60 s.

    The last of several a turn is kept for final words: of a caller's many beginnings those are the ones to answer.
    `on_exhausted` is called with what has run out at the first refusal after a reply that was allowed.
    Raises ValueError for a limit below 1: without speculation there is no budget.
    """

    def __init__(
        self,
        most_a_turn: int = MOST_A_TURN,
        most_a_minute: int = MOST_A_MINUTE,
        *,
        on_exhausted: Callable[[Exhausted], None] | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        for name, most in (("most_a_turn", most_a_turn), ("most_a_minute", most_a_minute)):
            if most < 1:
                raise ValueError(f"{name}: must be 1 or more, got {most}")
        self._most_a_turn = most_a_turn
        self._on_exhausted = on_exhausted
        self._clock_s = clock_s
        self._this_turn = 0
        self._begun_s: deque[float] = deque(maxlen=most_a_minute)
        self._told = False

    def take(self, *, final: bool = False) -> bool:
        """Use one up, if there is one for provisional words, or for `final` ones."""
        now_s = self._clock_s()
        kept_back = 0 if final or self._most_a_turn == 1 else 1
        if self._this_turn >= self._most_a_turn - kept_back:
            return self._refused("turn")
        if len(self._begun_s) == self._begun_s.maxlen and now_s - self._begun_s[0] < MINUTE_S:
            return self._refused("minute")
        self._this_turn += 1
        self._begun_s.append(now_s)
        self._told = False
        return True

    def new_turn(self) -> None:
        """The caller's turn is over; the minute goes on."""
        self._this_turn = 0

    def _refused(self, reason: Exhausted) -> bool:
        if self._on_exhausted is not None and not self._told:
            self._told = True
            self._on_exhausted(reason)
        return False


@dataclass(frozen=True, slots=True)
class TurnCost:
    """What one committed turn cost in replies."""

    begun: int
    """Replies begun before the turn was committed."""
    kept: bool
    """The last of them is the reply that the caller hears; without it one more is begun at the commit."""
    refused: int
    """Begins that the budget did not allow."""
    vetoed: int
    """Begins not worth it: the words were an open phrase."""

    @property
    def thrown_away(self) -> int:
        return self.begun - self.kept

    @property
    def calls(self) -> int:
        """Calls of the LLM for this turn; a tool's second call aside."""
        return self.begun + (not self.kept)


@dataclass(slots=True)
class SpeculationCounts:
    """The same of a whole call. `begun` is `kept` + `thrown_away` + the one that stands now, if any."""

    turns: int = 0
    """Turns that were committed."""
    begun: int = 0
    kept: int = 0
    thrown_away: int = 0
    refused: int = 0
    vetoed: int = 0

    @property
    def calls_a_turn(self) -> float:
        """Calls of the LLM a committed turn, wasted ones included; 0 before the first turn."""
        return (self.begun + self.turns - self.kept) / self.turns if self.turns else 0.0
