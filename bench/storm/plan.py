"""What happens in a storm and when, drawn from the seed: callers, their fates, restarts and kills. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Literal

Fate = Literal["stays", "late", "too late", "never", "before", "during"]
"""What a caller does with the token.

stays: joins at once and hears the greeting to its end. late: the same, within half of CALLER_TIMEOUT, which a room is
good for. too late: the same, after CALLER_TIMEOUT. never: does not join. before, during: hangs up then, as the greeting
goes.
"""

ShakeKind = Literal["restart", "kill"]

SHARES: dict[Fate, float] = {
    "stays": 0.5,
    "late": 0.12,
    "too late": 0.05,
    "never": 0.11,
    "before": 0.11,
    "during": 0.11,
}
HEARS: tuple[Fate, ...] = ("stays", "late", "too late")
SHAKE_SPREAD = 0.5  # of the time between two shakes: how far the draw moves one


@dataclass(frozen=True)
class Options:
    """What `storm` was asked for. `every_s`: mean time between two callers. Raises ValueError."""

    calls: int
    seed: int
    standby: int = 3
    restarts: int = 0
    kills: int = 0
    workers: int = 2
    every_s: float = 2.0
    caller_timeout_s: float = 30.0

    def __post_init__(self) -> None:
        if self.kills and self.workers < 2:
            raise ValueError(
                f"kills: got {self.kills} with {self.workers} worker, allowed: 0, or 2 workers and more, whose "
                "supervisor restarts the dead one"
            )


@dataclass(frozen=True)
class PlannedCaller:
    """Comes `at_s` after the storm's begin. `draw`: 0 to 1, for whatever else the fate leaves open."""

    number: int
    at_s: float
    fate: Fate
    draw: float


@dataclass(frozen=True)
class Shake:
    """What happens to the workers at `at_s`; one begins when the one before it is over."""

    at_s: float
    kind: ShakeKind


@dataclass(frozen=True)
class Plan:
    callers: tuple[PlannedCaller, ...]
    shakes: tuple[Shake, ...]

    def in_order(self) -> list[PlannedCaller | Shake]:
        return sorted([*self.callers, *self.shakes], key=lambda each: each.at_s)


def plan(options: Options) -> Plan:
    """The same for the same options."""
    random = Random(options.seed)
    fates = _fates(options.calls)
    random.shuffle(fates)
    callers: list[PlannedCaller] = []
    at_s = 0.0
    for number, fate in enumerate(fates, 1):
        at_s += random.expovariate(1 / options.every_s)
        callers.append(PlannedCaller(number, at_s, fate, random.random()))
    return Plan(tuple(callers), _shakes(options, at_s, random))


def _fates(calls: int) -> list[Fate]:
    """Each fate as often as its share says, so that a short storm has them too."""
    fates: list[Fate] = []
    for fate, share in SHARES.items():
        fates.extend(fate for _ in range(round(share * calls)))
    while len(fates) < calls:
        fates.append("stays")
    return fates


def _shakes(options: Options, length_s: float, random: Random) -> tuple[Shake, ...]:
    kinds: list[ShakeKind] = ["restart" for _ in range(options.restarts)]
    kinds.extend("kill" for _ in range(options.kills))
    random.shuffle(kinds)
    step_s = length_s / (len(kinds) + 1)
    return tuple(
        Shake(step_s * (place + SHAKE_SPREAD * (random.random() - 0.5)), kind) for place, kind in enumerate(kinds, 1)
    )
