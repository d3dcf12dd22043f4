"""What `bench limits` found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.limits.plan import Options
    from bench.machine import Machine


@dataclass(frozen=True)
class Rush:
    """Many who asked for a room at once. `given` and `refused` are answers, `listed` is what LiveKit had after them.

    `most` is the highest number that LiveKit listed meanwhile, by samples. `exact_s`: how long after the last answer
    LiveKit listed what was given, 0 if it did at once; None if it never did.
    """

    name: str
    asked: int
    given: int
    refused: int
    listed: int
    most: int
    took_s: float
    exact_s: float | None = 0.0


@dataclass(frozen=True)
class Full:
    """One too many. `answer` is what they were told, `after_ms` how long that took; `held` how many stayed."""

    name: str
    allowed: int
    held: int
    refused: int
    answer: str
    after_ms: tuple[float, ...]


@dataclass
class LimitsReport:
    options: Options
    machine: Machine
    rushes: list[Rush] = field(default_factory=list["Rush"])
    full: list[Full] = field(default_factory=list["Full"])

    @property
    def failures(self) -> list[str]:
        most = self.options.most_rooms
        found = [
            f"{rush.name}: {rush.given} given and {rush.listed} listed, must both be {most}"
            for rush in self.rushes
            if rush.listed != most or (rush.given != most and not rush.name.startswith("after"))
        ]
        found += [f"{rush.name}: LiveKit never listed {most} rooms" for rush in self.rushes if rush.exact_s is None]
        found += [
            f"{full.name}: {full.held} stayed, must be {full.allowed}; answered: {full.answer!r}"
            for full in self.full
            if full.held != full.allowed or not full.refused or not full.answer
        ]
        return found

    @property
    def failed(self) -> bool:
        return bool(self.failures)
