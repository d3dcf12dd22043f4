"""Which calls are made, with what is said in each: the same for every side. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice, zip_longest
from random import Random
from typing import TYPE_CHECKING, Literal, TypeVar

from bench.turns.corpus import (
    LONG_NOISE_MS,
    PAUSES_MS,
    Script,
    arabic_scripts,
    noises,
    pause_scripts,
    questions,
    recordings,
)
from bench.turns.results import PARTS, Part
from bench.turns.sides import DEFAULT_STARTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.turns.sides import SideSpec

T = TypeVar("T")

ROUNDS = 3
TURNS_A_CALL = 5
REPLIES_A_CALL = 3
NOISES_A_REPLY = 3
BARGE_INS_A_CALL = 4
EARLY_S = (0.3, 0.9)
LATE_S = (3.0, 6.0)
"""After the reply's first audible sample."""
SHARE: dict[Part, int] = {"gap": 1, "pause": 1, "arabic": 5, "noise": 3, "barge": 3}
"""Of the turns that were asked for, a part has one in so many."""
# Seconds of a quiet machine, for the estimate only.
CALL_S = 4.0
ITEM_S: dict[Part, float] = {"gap": 6.5, "pause": 10.0, "arabic": 8.0, "noise": 20.0, "barge": 14.0}


@dataclass(frozen=True)
class BargePlan:
    when: Literal["early", "late"]
    after_s: float


@dataclass(frozen=True)
class PlannedCall:
    """One call of one part. `noises`: those of each long reply; one without any comes before them."""

    part: Part
    scripts: tuple[Script, ...] = ()
    noises: tuple[tuple[str, ...], ...] = ()
    barge_ins: tuple[BargePlan, ...] = ()

    @property
    def items(self) -> int:
        return len(self.scripts) + len(self.noises) + len(self.barge_ins)


def parse_parts(text: str) -> tuple[Part, ...]:
    """Parts from "gap,pause" or "all", in their order. ValueError names what is not one."""
    names = {name.strip() for name in text.split(",") if name.strip()}
    unknown = sorted(names - {*PARTS, "all"})
    if unknown or not names:
        raise ValueError(
            f"got {', '.join(unknown) or 'nothing'}, allowed: all, or with commas between: {', '.join(PARTS)}"
        )
    return tuple(part for part in PARTS if part in names or "all" in names)


def count(part: Part, turns: int) -> int:
    """How many turns, long replies or barge-ins a part has, at least one."""
    return max(1, turns // SHARE[part])


def plan(parts: Iterable[Part], turns: int, seed: int) -> list[PlannedCall]:
    """All calls of one side."""
    return [call for part in parts for call in _calls(part, count(part, turns), Random(f"{seed}/{part}"))]


def rounds(calls: Sequence[PlannedCall]) -> list[list[PlannedCall]]:
    """The calls dealt out, so that each round has some of every part."""
    dealt = [list(calls[number::ROUNDS]) for number in range(ROUNDS)]
    return [part for part in dealt if part]


def calls_of(side: SideSpec, sides: Iterable[SideSpec], calls: Iterable[PlannedCall]) -> list[PlannedCall]:
    """Without those that this side need not make: a starter is interrupted alike in all of its modes."""
    is_double = side.side == "starter" and side.id != DEFAULT_STARTER and DEFAULT_STARTER in {s.id for s in sides}
    return [call for call in calls if not (is_double and call.part in ("noise", "barge"))]


def estimate_s(calls: Iterable[PlannedCall]) -> float:
    """About how long they take on a quiet machine."""
    return sum(CALL_S + (call.items + (call.part == "noise")) * ITEM_S[call.part] for call in calls)


def _calls(part: Part, wanted: int, chance: Random) -> list[PlannedCall]:
    if part == "noise":
        groups = list(islice(cycle(_noise_groups(chance)), wanted))
        return [PlannedCall(part, noises=tuple(chunk)) for chunk in _chunks(groups, REPLIES_A_CALL)]
    if part == "barge":
        plans = [_barge_in(number, chance) for number in range(wanted)]
        return [PlannedCall(part, barge_ins=tuple(chunk)) for chunk in _chunks(plans, BARGE_INS_A_CALL)]
    scripts = {
        "gap": lambda: _shuffled(questions(), chance),
        "pause": lambda: _balanced(pause_scripts(), chance),
        "arabic": arabic_scripts,
    }[part]()
    return [PlannedCall(part, tuple(chunk)) for chunk in _chunks(list(islice(cycle(scripts), wanted)), TURNS_A_CALL)]


def _balanced(scripts: Sequence[Script], chance: Random) -> list[Script]:
    """Each pause as often as the others, wherever the list is cut."""
    by_pause = [_shuffled([each for each in scripts if each.pause_ms == pause], chance) for pause in PAUSES_MS]
    return [each for row in zip_longest(*by_pause) for each in row if each is not None]


def _noise_groups(chance: Random) -> list[tuple[str, ...]]:
    """Short ones some in a reply, a long one alone; every noise at least once."""
    known = _shuffled(noises(), chance)
    long = [name for name in known if recordings()[name].duration_ms >= LONG_NOISE_MS]
    short = [name for name in known if name not in long]
    short += short[: -len(short) % NOISES_A_REPLY]
    groups = [tuple(chunk) for chunk in _chunks(short, NOISES_A_REPLY)]
    return [group for row in zip_longest(groups, [(name,) for name in long]) for group in row if group is not None]


def _barge_in(number: int, chance: Random) -> BargePlan:
    return BargePlan("late", chance.uniform(*LATE_S)) if number % 2 else BargePlan("early", chance.uniform(*EARLY_S))


def _shuffled(items: Iterable[T], chance: Random) -> list[T]:
    mixed = list(items)
    chance.shuffle(mixed)
    return mixed


def _chunks(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[at : at + size] for at in range(0, len(items), size)]
