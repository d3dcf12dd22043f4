"""What the caller's waveform says: where the agent's sound stopped, and for what. Pure; times in seconds."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

STOP_S = 0.25
"""A silence of at least this inside a reply is a stop. Between two pieces of speech there is less."""
AFTER_NOISE_S = 1.0
"""So long after a noise a stop is still for it: a recogniser needs that time for its words."""
MISSING_S = 0.7
"""A reply that was heard so much shorter than whole did not come to its end."""


@dataclass(frozen=True)
class Stretch:
    """Sound without a stop in it."""

    begin_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        return self.end_s - self.begin_s


@dataclass(frozen=True)
class Noise:
    """A noise that the caller made, from its first audible sample to its last."""

    name: str
    begin_s: float
    end_s: float


@dataclass(frozen=True)
class Stop:
    """What a noise did to a reply: the longest silence that it made, and whether the rest never came."""

    silent_s: float = 0.0
    broken_off: bool = False


def stretches(spans: Iterable[tuple[float, float | None]], since_s: float, until_s: float) -> list[Stretch]:
    """The spans that begin at or after `since_s`, of all tracks, those with less than a stop between them joined.

    A span that still sounds is heard until `until_s`.
    """
    joined: list[Stretch] = []
    for begin, end in sorted((begin, until_s if end is None else end) for begin, end in spans):
        if begin < since_s:
            continue
        if joined and begin - joined[-1].end_s < STOP_S:
            joined[-1] = Stretch(joined[-1].begin_s, max(joined[-1].end_s, end))
        else:
            joined.append(Stretch(begin, end))
    return joined


def heard_s(heard: Sequence[Stretch]) -> float:
    return sum(each.length_s for each in heard)


def inner_stops(heard: Sequence[Stretch]) -> list[float]:
    """When the sound stopped and came again."""
    return [each.end_s for each, _ in itertools.pairwise(heard)]


def stopped_for(noises: Sequence[Noise], heard: Sequence[Stretch], whole_s: float) -> list[Stop]:
    """For each noise how the agent's sound stopped while it lasted or within AFTER_NOISE_S.

    `whole_s`: how long the reply is when nothing disturbs it. Its end is a stop too, if it came too soon. A stop is
    for one noise only, the last one that began before it.
    """
    stops = [(before.end_s, Stop(after.begin_s - before.end_s)) for before, after in itertools.pairwise(heard)]
    if heard and heard_s(heard) < whole_s - MISSING_S:
        stops.append((heard[-1].end_s, Stop(broken_off=True)))
    found = [Stop()] * len(noises)
    for at_s, stop in stops:
        began = [index for index, noise in enumerate(noises) if noise.begin_s <= at_s]
        if began and at_s <= noises[began[-1]].end_s + AFTER_NOISE_S:
            before = found[began[-1]]
            found[began[-1]] = Stop(max(before.silent_s, stop.silent_s), stop.broken_off or before.broken_off)
    return found


def stop_ms(heard: Sequence[Stretch], loud_s: float) -> float | None:
    """From the caller's first loud sample to the agent's last audible one; None if the agent was silent then."""
    for each in heard:
        if each.begin_s <= loud_s <= each.end_s:
            return (each.end_s - loud_s) * 1000
    return None
