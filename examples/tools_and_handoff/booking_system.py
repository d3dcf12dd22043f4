"""A booking system as restaurants have it: it takes seconds, and sometimes it does not answer. Simulated."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from random import Random

SEATS = 8


class NoAnswer(Exception):
    """The system did not do what was asked."""


@dataclass(frozen=True)
class Table:
    """A table that is wished for or free; the day and the hour are in the caller's words."""

    people: int
    day: str
    hour: str

    def __str__(self) -> str:
        return f"a table for {self.people}, {self.day}, at {self.hour}"


@dataclass
class BookingSystem:
    """Each request takes between the two `takes_s`; one in `fails_every` is not answered, 0: all are.

    `counts`: `asked`, `answered`, `failed`, and `dropped`, which nobody waited for any more.
    """

    takes_s: tuple[float, float] = (2.0, 4.0)
    fails_every: int = 0
    seed: int = 1
    counts: Counter[str] = field(default_factory=lambda: Counter[str]())
    booked: list[Table] = field(default_factory=list[Table])

    def __post_init__(self) -> None:
        shortest_s, longest_s = self.takes_s
        if not 0 <= shortest_s <= longest_s:
            raise ValueError(f"takes_s must be two seconds, the shorter one first, got {self.takes_s}")
        if self.fails_every < 0:
            raise ValueError(f"fails_every must be 0 or more, got {self.fails_every}")
        self._random = Random(self.seed)

    async def find(self, table: Table) -> Table | None:
        """The table if it is free, None if not. Raises `NoAnswer`."""
        await self._work()
        return table if 0 < table.people <= SEATS else None

    async def book(self, table: Table) -> None:
        """Raises `NoAnswer`; then nothing is booked."""
        await self._work()
        self.booked.append(table)

    async def _work(self) -> None:
        self.counts["asked"] += 1
        try:
            await asyncio.sleep(self._random.uniform(*self.takes_s))
        except asyncio.CancelledError:
            self.counts["dropped"] += 1
            raise
        if self.fails_every and self.counts["asked"] % self.fails_every == 0:
            self.counts["failed"] += 1
            raise NoAnswer("the booking system did not answer")
        self.counts["answered"] += 1
