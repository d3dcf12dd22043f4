"""What a claim must reach, and whether this run did. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.grid import NONE, VERDICT, Grid

if TYPE_CHECKING:
    from collections.abc import Iterable

WHOLE_FROM = 100.0
"""From here on a figure is told without decimals: it is milliseconds and no ratio."""


@dataclass(frozen=True)
class Target:
    """A limit on what this run got; None where it was not measured. `what` says the unit where it is no ratio."""

    what: str
    limit_p50: float
    limit_p90: float | None
    got_p50: float | None
    got_p90: float | None
    n: int

    @property
    def reached(self) -> bool | None:
        if self.got_p50 is None:
            return None
        within_p90 = self.limit_p90 is None or (self.got_p90 is not None and self.got_p90 <= self.limit_p90)
        return self.got_p50 <= self.limit_p50 and within_p90


def targets_grid(targets: Iterable[Target]) -> Grid:
    """A line a target, whether it was reached in words."""
    headings = ("target", "p50", "p50 at most", "p90", "p90 at most", "n", VERDICT)
    lines = tuple((each.what, *map(_figure, _limits(each)), str(each.n), verdict(each)) for each in targets)
    return Grid(headings, lines, frozenset((headings[0], headings[-1])), "No target was set.")


def verdict(target: Target) -> str:
    return {True: "reached", False: "not reached", None: "not measured"}[target.reached]


def _limits(target: Target) -> tuple[float | None, ...]:
    return (target.got_p50, target.limit_p50, target.got_p90, target.limit_p90)


def _figure(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:.0f}" if value >= WHOLE_FROM else f"{value:.2f}"
