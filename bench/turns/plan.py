"""Which calls are made, with what is said in each: the same for every side. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import cycle, islice, zip_longest
from random import Random
from typing import TYPE_CHECKING, Literal, TypeVar

from bench.turns.corpus import (
    ECHO_LOSSES_DB,
    LONG_NOISE_MS,
    PAUSES_MS,
    Script,
    arabic_scripts,
    has_filler,
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
AT_ONCE: dict[Part, int] = {"gap": 2, "pause": 3, "arabic": 3, "noise": 3, "echo": 3, "barge": 3}
"""Calls of one part that are held at once."""
IN_TURN: Part = "gap"
"""Its callers wait for each other: one speaks and is answered while the other hears its reply to the end."""
MOST_A_CALL: dict[Part, int] = {"gap": 10, "pause": 7, "arabic": 7, "noise": 3, "echo": 3, "barge": 4}
NOISES_A_REPLY = 3
FILLER_EVERY = 5
EARLY_S = (0.3, 0.9)
LATE_S = (3.0, 6.0)
"""After the reply's first audible sample."""
SHARE: dict[Part, int] = {"gap": 10, "pause": 10, "arabic": 3, "noise": 3, "echo": 1, "barge": 3}
"""So many a part has of ten turns that were asked for."""
SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS = 100, 5000
MOST_PAUSES = 8
"""Each is 25 recordings more that the simulated recogniser compares with all that it hears, on shared cores."""
# Seconds of a quiet machine, for the estimate only.
CALL_S = 4.0
ITEM_S: dict[Part, float] = {"gap": 3.6, "pause": 8.7, "arabic": 9.0, "noise": 17.0, "echo": 18.0, "barge": 11.0}
PAUSE_S = sum(PAUSES_MS) / len(PAUSES_MS) / 1000
"""Has been counted in ITEM_S."""


@dataclass(frozen=True)
class BargePlan:
    when: Literal["early", "late"]
    after_s: float


@dataclass(frozen=True)
class PlannedCall:
    """One call of one part. `noises`: those of each long reply. `echo_db`: the loss of each long reply's echo."""

    part: Part
    scripts: tuple[Script, ...] = ()
    noises: tuple[tuple[str, ...], ...] = ()
    barge_ins: tuple[BargePlan, ...] = ()
    echo_db: float | None = None
    echo_replies: int = 0

    @property
    def items(self) -> int:
        return len(self.scripts) + len(self.noises) + len(self.barge_ins) + self.echo_replies


def parse_parts(text: str) -> tuple[Part, ...]:
    """Parts from "gap,pause" or "all", in their order. ValueError names what is not one."""
    names = {name.strip() for name in text.split(",") if name.strip()}
    unknown = sorted(names - {*PARTS, "all"})
    if unknown or not names:
        raise ValueError(
            f"got {', '.join(unknown) or 'nothing'}, allowed: all, or with commas between: {', '.join(PARTS)}"
        )
    return tuple(part for part in PARTS if part in names or "all" in names)


def parse_pauses(text: str) -> tuple[int, ...]:
    """Lengths in ms from "900,1200", the shortest first, each once. ValueError names what is not one."""
    words = list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    wrong = [word for word in words if not _is_pause(word)]
    pauses_ms = () if wrong else tuple(sorted({int(word) for word in words}))
    if not 1 <= len(pauses_ms) <= MOST_PAUSES:
        got = ", ".join(wrong) or (f"{len(pauses_ms)} lengths" if pauses_ms else "nothing")
        raise ValueError(
            f"got {got}, allowed: 1 to {MOST_PAUSES} whole numbers of ms from {SHORTEST_PAUSE_MS} to "
            f"{LONGEST_PAUSE_MS} with commas between"
        )
    return pauses_ms


def count(part: Part, turns: int) -> int:
    """How many turns, long replies or barge-ins a part has, at least one."""
    return max(1, turns * SHARE[part] // 10)


def plan(parts: Iterable[Part], turns: int, seed: int, pauses_ms: tuple[int, ...] = PAUSES_MS) -> list[PlannedCall]:
    """All calls of one side. `pauses_ms`: how long its callers pause."""
    return [call for part in parts for call in _calls(part, count(part, turns), Random(f"{seed}/{part}"), pauses_ms)]


def waves(calls: Iterable[PlannedCall]) -> list[list[PlannedCall]]:
    """The calls in the order in which they are made, those together that are held at once: of one part."""
    found: list[list[PlannedCall]] = []
    for call in calls:
        if found and call.part == found[-1][0].part and len(found[-1]) < AT_ONCE[call.part]:
            found[-1].append(call)
        else:
            found.append([call])
    return found


def rounds(calls: Sequence[PlannedCall]) -> list[list[PlannedCall]]:
    """The calls dealt out wave by wave, so that what disturbs the machine for a while hits most parts."""
    dealt: list[list[PlannedCall]] = [[] for _ in range(ROUNDS)]
    for part in PARTS:
        for number, wave in enumerate(waves(call for call in calls if call.part == part)):
            dealt[number % ROUNDS] += wave
    return [each for each in dealt if each]


def calls_of(side: SideSpec, sides: Iterable[SideSpec], calls: Iterable[PlannedCall]) -> list[PlannedCall]:
    """Without those that this side need not make: a starter is interrupted alike in all of its modes."""
    is_double = side.side == "starter" and side.id != DEFAULT_STARTER and DEFAULT_STARTER in {s.id for s in sides}
    return [call for call in calls if not (is_double and call.part in ("noise", "echo", "barge"))]


def estimate_s(calls: Iterable[PlannedCall]) -> float:
    """About how long they take on a quiet machine."""
    return sum(_wave_s([_call_s(call) for call in wave], wave) for wave in waves(calls))


def _call_s(call: PlannedCall) -> float:
    longer_s = sum(script.pause_ms / 1000 - PAUSE_S for script in call.scripts if script.pause_ms is not None)
    return CALL_S + call.items * ITEM_S[call.part] + longer_s


def _wave_s(each_s: Sequence[float], wave: Sequence[PlannedCall]) -> float:
    return sum(each_s) if wave[0].part == IN_TURN else max(each_s)


def _is_pause(word: str) -> bool:
    # Five digits at most: `int` refuses thousands of them with words of its own.
    is_number = word.isascii() and word.isdigit() and len(word) <= len(str(LONGEST_PAUSE_MS))
    return is_number and SHORTEST_PAUSE_MS <= int(word) <= LONGEST_PAUSE_MS


def _calls(part: Part, wanted: int, chance: Random, pauses_ms: tuple[int, ...]) -> list[PlannedCall]:
    if part == "noise":
        groups = list(islice(cycle(_noise_groups(chance)), wanted))
        return [PlannedCall(part, noises=tuple(chunk)) for chunk in _shared(groups, part)]
    if part == "barge":
        plans = [_barge_in(number, chance) for number in range(wanted)]
        return [PlannedCall(part, barge_ins=tuple(chunk)) for chunk in _shared(plans, part)]
    if part == "echo":
        chunks = _shared(range(wanted), part)
        losses = cycle(ECHO_LOSSES_DB)
        return [
            PlannedCall(part, echo_db=loss, echo_replies=len(chunk))
            for chunk, loss in zip(chunks, losses, strict=False)
        ]
    scripts = {
        "gap": lambda: _shuffled(questions(), chance),
        "pause": lambda: _balanced(pause_scripts(pauses_ms), pauses_ms, chance),
        "arabic": lambda: arabic_scripts(pauses_ms),
    }[part]()
    return [PlannedCall(part, tuple(chunk)) for chunk in _shared(list(islice(cycle(scripts), wanted)), part)]


def _balanced(scripts: Sequence[Script], pauses_ms: Sequence[int], chance: Random) -> list[Script]:
    """Each pause as often as the others, and fillers among them, wherever the list is cut."""
    by_pause = [_with_fillers([each for each in scripts if each.pause_ms == pause], chance) for pause in pauses_ms]
    return [each for row in zip_longest(*by_pause) for each in row if each is not None]


def _with_fillers(scripts: Sequence[Script], chance: Random) -> list[Script]:
    """In any order, with one behind a filler every FILLER_EVERY."""
    plain = _shuffled([each for each in scripts if not has_filler(each.recording)], chance)
    filled = _shuffled([each for each in scripts if has_filler(each.recording)], chance)
    groups = zip_longest(_chunks(plain, FILLER_EVERY - 1), filled)
    return [each for group, filler in groups for each in (*(group or ()), filler) if each is not None]


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


def _shared(items: Sequence[T], part: Part) -> list[Sequence[T]]:
    """Dealt to calls that last about as long: as many as fill their waves, if there is enough for them."""
    full_waves = math.ceil(len(items) / MOST_A_CALL[part] / AT_ONCE[part])
    calls = min(len(items), full_waves * AT_ONCE[part])
    return [items[len(items) * at // calls : len(items) * (at + 1) // calls] for at in range(calls)]


def _chunks(items: Sequence[T], size: int) -> list[Sequence[T]]:
    return [items[at : at + size] for at in range(0, len(items), size)]
