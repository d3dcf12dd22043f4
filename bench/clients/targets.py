"""What the pool must hold, and whether this run did. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.stats import quantiles
from bench.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.clients.results import Asked, Bounds, ClientsReport, Restart, Side

RECOVERY_MS = 2000.0
AWAY_PER_SECOND = 20.0
"""Sockets a second while LiveKit is away, of all clients together; its load alone would open 100."""


def targets(report: ClientsReport) -> tuple[Target, ...]:
    """Those of the parts that were measured."""
    return tuple(_targets(report))


def away_per_second(restart: Restart) -> float:
    """Sockets that were opened while nobody answered, a second."""
    return sum(at_ms < restart.back_ms for at_ms in restart.attempts_ms) / restart.back_ms * 1000


def _targets(report: ClientsReport) -> Iterator[Target]:
    if report.sides:
        yield from _calls({side.name: side for side in report.sides})
    if report.bounds is not None:
        yield from _bounds(report.bounds)
    if report.restarts:
        yield from _restarts(report.asked, report.restarts)


def _calls(sides: dict[str, Side]) -> Iterator[Target]:
    pool, *others = (sides[name] for name in ("pool", "shared", "new"))
    n = len(pool.calls_ms)
    best = max(side.per_second for side in others)
    yield Target("time for all calls over the best other way", 1.0, None, best / pool.per_second, None, n)
    for name, place in (("p50", "p50_ms"), ("p99", "p99_ms")):
        ours, *theirs = (
            float(getattr(found, place)) for side in (pool, *others) if (found := quantiles(side.calls_ms)) is not None
        )
        yield Target(f"{name} of a call over the best other way", 1.0, None, ours / min(theirs), None, n)
    yield Target("handshakes of the pool", 10.0, None, pool.handshakes, None, n)
    yield Target("calls without an answer", 0, None, sum(side.failed for side in sides.values()), None, 3 * n)


def _bounds(bounds: Bounds) -> Iterator[Target]:
    yield Target("clients under load", bounds.most, None, bounds.largest, None, 1)
    yield Target("clients when nobody needs them", bounds.ready, None, bounds.after, None, 1)


def _restarts(asked: tuple[Asked, ...], restarts: tuple[Restart, ...]) -> Iterator[Target]:
    n = len(asked)
    yield Target("requests lost that could be sent again", 0, None, sum(each.lost for each in asked), None, n)
    yield Target("requests sent twice that must not be", 0, None, sum(each.repeated for each in asked), None, n)
    never = sum(restart.recovery_ms is None for restart in restarts)
    yield Target("restarts after which nothing was answered", 0, None, never, None, len(restarts))
    if times := quantiles([each.recovery_ms for each in restarts if each.recovery_ms is not None]):
        yield Target("first answer after it is back, ms", RECOVERY_MS, RECOVERY_MS, times.p50_ms, times.p90_ms, times.n)
    rates = [away_per_second(restart) for restart in restarts]
    yield Target("sockets a second while it is away, most", AWAY_PER_SECOND, None, max(rates), None, len(rates))
