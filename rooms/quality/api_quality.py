"""How well LiveKit's API answers: what has changed in the pool's counters between two looks."""

from __future__ import annotations

import statistics
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rooms.quality.score import API_HALF_MS, Grade, grade, quality_score

if TYPE_CHECKING:
    from rooms.clients.figures import ConnectionStats, PoolStats
    from rooms.performance.sections import QualityMonitoring

AWAY = ("reconnecting", "failed")


@dataclass(frozen=True)
class ApiQuality:
    """Between two looks, but for the pool's own figures, which are of the moment.

    A request that found no client free is among `failures`. `success_rate` is None if nothing was asked, and 0 if
    nothing could be: the pool is without LiveKit. `latency_ms` is that of the newest answer of each client in use.
    """

    state: str
    size: int
    idle: int
    in_use: int
    waiting: int
    requests: int
    failures: int
    success_rate: float | None
    latency_ms: float | None
    score: float | None
    grade: Grade | None


def api_between(before: PoolStats | None, now: PoolStats, thresholds: QualityMonitoring) -> ApiQuality:
    """`before`: None at the first look, which tells of all that has been."""
    refused = now.refused - (before.refused if before else 0)
    requests = now.requests - (before.requests if before else 0) + refused
    failures = now.failures - (before.failures if before else 0) + refused
    success_rate: float | None = None
    if requests > 0:
        success_rate = min(max(1 - failures / requests, 0.0), 1.0)
    elif now.state.value in AWAY:
        success_rate = 0.0
    latency_ms = _newest_ms(before, now)
    score = None if success_rate is None else quality_score(success_rate, latency_ms or 0.0, half_ms=API_HALF_MS)
    return ApiQuality(
        state=now.state.value,
        size=now.size,
        idle=now.idle,
        in_use=now.in_use,
        waiting=now.waiting,
        requests=requests,
        failures=failures,
        success_rate=success_rate,
        latency_ms=latency_ms,
        score=score,
        grade=None if score is None else grade(score, thresholds),
    )


def connection_score(client: ConnectionStats) -> float | None:
    """How well one client has been answered since it was made; None before its first request."""
    if not client.requests:
        return None
    return quality_score(1 - client.failures / client.requests, client.average_ms or 0.0, half_ms=API_HALF_MS)


def _newest_ms(before: PoolStats | None, now: PoolStats) -> float | None:
    """Of those clients only that were used since: one that was not has the same figures, at whatever place."""
    used = Counter(now.connections) - Counter(before.connections if before else ())
    newest_ms = [client.last_ms for client in used.elements() if client.last_ms is not None]
    return statistics.fmean(newest_ms) if newest_ms else None
