"""What is measured: the situations in which a caller comes, and the order of the calls. Pure."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.first_word.results import Arrival, Subject

T = TypeVar("T")
Way = Literal["alone", "at once", "at random"]

DEV = "dev"
MEMORY = "memory"
"""Names beside those of the situations: the first call after `agent.py dev`, and the memory of a further call."""
FEWEST_ROUNDS = 2
MEAN_PAUSE_S = 1.0  # between two callers at random, who stay 4 s: about five calls overlap
STANDBY_AT_RANDOM = 4


@dataclass(frozen=True)
class Situation:
    """How callers come, and whom they are compared with. `callers`: how many at once, 1 at random."""

    id: str
    title: str
    arrival: Arrival
    way: Way
    callers: int
    subjects: tuple[Subject, ...]

    @property
    def standby_rooms(self) -> int:
        """How many rooms must wait before the callers come."""
        if self.arrival != "standby":
            return 0
        return STANDBY_AT_RANDOM if self.way == "at random" else self.callers


ALL: tuple[Subject, ...] = ("starter", "firstword", "floor")
# Nobody waits for the starter in a standby room, and twenty of its processes at once are beyond a small machine.
WITHOUT_STARTER: tuple[Subject, ...] = ("firstword", "floor")
SITUATIONS = (
    Situation("join", "dispatch on join", "join", "alone", 1, ALL),
    Situation("token", "dispatch with the token, 0.5 s before", "token", "alone", 1, ALL),
    Situation("standby", "agent waiting in the room", "standby", "alone", 1, WITHOUT_STARTER),
    Situation("join-6", "dispatch on join, six at once", "join", "at once", 6, ALL),
    Situation("standby-6", "agents waiting, six at once", "standby", "at once", 6, WITHOUT_STARTER),
    Situation("join-20", "dispatch on join, 20 at once", "join", "at once", 20, WITHOUT_STARTER),
    Situation("standby-20", "agents waiting, 20 at once", "standby", "at once", 20, WITHOUT_STARTER),
    Situation("join-random", "dispatch on join, random arrivals", "join", "at random", 1, ALL),
    Situation("standby-random", "agents waiting, random arrivals", "standby", "at random", 1, WITHOUT_STARTER),
)
ROW_NAMES = (*(situation.id for situation in SITUATIONS), DEV, MEMORY)


@dataclass(frozen=True)
class Turn:
    """Callers of one subject who come together. The floor is the same for all `situations` of a group."""

    subject: Subject
    situations: tuple[Situation, ...]
    offsets_s: tuple[float, ...]
    """When each caller comes, from the begin of the turn."""


def parse_rows(text: str) -> tuple[str, ...]:
    """Names from "join,standby-6", or "all": each once, in the report's order. ValueError names what is not one."""
    if text.strip() == "all":
        return ROW_NAMES
    names = {name.strip() for name in text.split(",") if name.strip()}
    unknown = sorted(names.difference(ROW_NAMES))
    if unknown or not names:
        allowed = f"all, or with commas between: {', '.join(ROW_NAMES)}"
        raise ValueError(f"got {', '.join(unknown) or 'nothing'}, allowed: {allowed}")
    return tuple(name for name in ROW_NAMES if name in names)


def plan(rows: Sequence[str], calls: int, seed: int) -> list[Turn]:
    """Every turn in its order, for at least `calls` callers a row and subject."""
    chosen = [situation for situation in SITUATIONS if situation.id in rows]
    turns: list[Turn] = []
    for first in chosen:
        group = [each for each in chosen if (each.way, each.callers) == (first.way, first.callers)]
        if group[0] is not first:
            continue
        way, callers = first.way, first.callers
        count = rounds(way, callers, calls)
        for number in range(count):
            offsets_s = (0.0,) * callers
            if way == "at random":
                offsets_s = arrivals_s(math.ceil(calls / count), seed + number)
            turns += in_turns(_one_round(group, offsets_s), number)
    return turns


def rounds(way: Way, callers: int, calls: int) -> int:
    """At random all callers of a round come one after the other, so two rounds are enough to take turns."""
    if way == "alone":
        return calls
    return min(FEWEST_ROUNDS, calls) if way == "at random" else max(FEWEST_ROUNDS, math.ceil(calls / callers))


def in_turns(turns: Sequence[T], number: int) -> list[T]:
    """The same turns in the order of round `number`: each begins once, and each neighbour comes before and after."""
    first = number // 2 % max(1, len(turns))
    turned = [*turns[first:], *turns[:first]]
    return turned if number % 2 == 0 else turned[::-1]


def arrivals_s(count: int, seed: int, mean_pause_s: float = MEAN_PAUSE_S) -> tuple[float, ...]:
    """A Poisson process: `count` times in seconds, the first at 0, the same for the same seed."""
    chance = random.Random(seed)
    pauses_s = (chance.expovariate(1 / mean_pause_s) for _ in range(count - 1))
    return tuple(itertools.accumulate(pauses_s, initial=0.0))


def _one_round(group: Sequence[Situation], offsets_s: tuple[float, ...]) -> list[Turn]:
    turns = [
        Turn(subject, (situation,), offsets_s)
        for situation in group
        for subject in situation.subjects
        if subject != "floor"
    ]
    with_floor = tuple(situation for situation in group if "floor" in situation.subjects)
    # In the middle, so that it is as near to the first as to the last of them.
    turns.insert(len(turns) // 2, Turn("floor", with_floor, offsets_s))
    return turns
