"""What the first word must reach, as ratios within one run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.stats import quantiles
from bench.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.first_word.results import Row, Subject

DEV_FIRST = "dev-first"
DEV_WARM = "dev-warm"
MEMORY_LIMIT_MB = 6.0


def targets(rows: Iterable[Row], call_memory_mb: Sequence[float]) -> tuple[Target, ...]:
    """Each target with what this run got; None where a side was not measured."""
    by_id = {row.id: row for row in rows}

    def times(row_id: str, subject: Subject = "firstword") -> list[float]:
        row = by_id.get(row_id)
        return row.ttfw_ms.get(subject, []) if row else []

    clicks = by_id["standby"].click_ms if "standby" in by_id else []
    memory = quantiles(call_memory_mb)
    return (
        _ratio("standby: first word over the floor", 1.25, 1.5, times("standby"), times("standby", "floor")),
        _ratio(
            "dispatched at the token, agent waiting: first word over the floor",
            *(1.25, 1.5),
            *(times("token"), times("token", "floor")),
        ),
        _ratio(
            "from the click (token request included), standby: over the floor's p50",
            *(1.6, None),
            *(clicks, times("standby", "floor")),
        ),
        _ratio("dispatch on join: first word over the starter's", 0.30, 0.33, times("join"), times("join", "starter")),
        _ratio(
            "first call after `dev` prints its address: over the warm p50", 1.3, None, times(DEV_FIRST), times(DEV_WARM)
        ),
        _ratio(
            "six at once, join: first word over the starter's", 0.30, 0.30, times("join-6"), times("join-6", "starter")
        ),
        _ratio(
            "six at once, standby: over the floor of six at once",
            *(1.5, 1.5),
            *(times("standby-6"), times("standby-6", "floor")),
        ),
        Target(
            "a further call's memory, PSS MB (not a ratio)",
            *(MEMORY_LIMIT_MB, None),
            *(None if memory is None else memory.p50_ms, None),
            len(call_memory_mb),
        ),
    )


def _ratio(
    what: str, limit_p50: float, limit_p90: float | None, ours_ms: Sequence[float], theirs_ms: Sequence[float]
) -> Target:
    ours, theirs = quantiles(ours_ms), quantiles(theirs_ms)
    if ours is None or theirs is None or theirs.p50_ms <= 0 or theirs.p90_ms <= 0:
        return Target(what, limit_p50, limit_p90, None, None, 0)
    # Where only the median is limited, a p90 would be a figure without a meaning.
    got_p90 = None if limit_p90 is None else ours.p90_ms / theirs.p90_ms
    return Target(what, limit_p50, limit_p90, ours.p50_ms / theirs.p50_ms, got_p90, min(ours.n, theirs.n))
