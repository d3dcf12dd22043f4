"""What `bench quality` found."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.machine import Machine  # noqa: TC001  # report_file reads the fields' types
from bench.quality.plan import Options  # noqa: TC001  # as above

WITHIN = 2
"""Looks after a change until it is seen: the first may tell of both networks."""


@dataclass(frozen=True)
class Round:
    """One time bad and good again. Scores are of the last look before, of the worst during, of the best after.

    `fell`, `recovered`: looks from the change until the score is below, or again at, the threshold of good; None: it
    was not within the round. `told_s`, `eased_s`: from the change until the caller's side had the word.
    """

    network: str
    before: float
    during: float
    after: float
    fell: int | None
    recovered: int | None
    told_s: float | None
    eased_s: float | None
    playout_delay_ms: int | None
    """What the caller's side was told to hold back."""
    late_ms: float
    """The longest that this process was late, in whose loop the network is: its packets were late by as much."""


@dataclass(frozen=True)
class Cost:
    """Of one look at a call with one caller: how long it took, and how long the event loop was busy with it, ms."""

    took_ms: tuple[float, ...] = ()
    busy_ms: tuple[float, ...] = ()


@dataclass
class QualityReport:
    options: Options
    machine: Machine
    rounds: list[Round] = field(default_factory=list["Round"])
    unsure: list[str] = field(default_factory=list[str])
    """Rounds that say nothing: the network was not good before."""
    cost: Cost = field(default_factory=Cost)

    @property
    def failures(self) -> list[str]:
        found: list[str] = []
        for each in self.rounds:
            looks = {"fall": each.fell, "recover": each.recovered}
            found += [
                f"{each.network}: the score did not {what} within {WITHIN} looks "
                f"(got {got}; this process was up to {each.late_ms:.0f} ms late)"
                for what, got in looks.items()
                if got is None or got > WITHIN
            ]
            told = {"strained": each.told_s, "usual again": each.eased_s}
            found += [
                f"{each.network}: the caller's side was not told that it is {state}"
                for state, after_s in told.items()
                if after_s is None
            ]
        return found if self.rounds else ["no round could be measured"]

    @property
    def failed(self) -> bool:
        return bool(self.failures)
