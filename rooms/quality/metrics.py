"""The quality as Prometheus metrics, read when somebody asks: there is nothing to keep up to date.

`REGISTRY.register(QualityCollector(monitor))`; `QualityMonitor` is read from whatever thread Prometheus asks on. Rooms
and participants are no labels: they come and go without end, and their names may be somebody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from rooms.quality.report import rooms_by_grade

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client.core import Metric

    from rooms.quality.monitor import QualityMonitor, Scope

PREFIX = "firstword_quality"
SCOPES: tuple[Scope, ...] = ("api", "room")


class QualityCollector(Collector):
    """What was not measured is left out, rather than told as 0."""

    def __init__(self, monitor: QualityMonitor) -> None:
        self._monitor = monitor

    def collect(self) -> Iterator[Metric]:
        api, rooms = self._monitor.api, self._monitor.rooms
        if api is not None:
            yield from _gauge("api_score", "Of requests to LiveKit: 1 perfect, 0 nothing.", api.score)
            yield from _gauge("api_success_rate", "Share of requests that succeeded.", api.success_rate)
            yield from _gauge("api_latency_ms", "Of the newest answers, ms.", api.latency_ms)
        seen = [each for quality in rooms for each in quality.participants]
        yield from _gauge("room_score_worst", "Of the worst call.", _least(quality.score for quality in rooms))
        yield from _gauge("room_loss_worst", "Share of packets, of the worst participant.", _most(p.loss for p in seen))
        yield from _gauge("room_jitter_worst_ms", "Of the worst participant, ms.", _most(p.jitter_ms for p in seen))
        yield from _gauge("room_round_trip_worst_ms", "Of the worst call, ms.", _most(p.round_trip_ms for p in seen))
        by_grade = GaugeMetricFamily(f"{PREFIX}_rooms", "Calls that go on, by grade.", labels=["grade"])
        for grade, count in rooms_by_grade(rooms).items():
            by_grade.add_metric([grade], count)
        yield by_grade
        yield from _gauge("rooms_strained", "Calls whose page holds sound back longer.", len(self._monitor.strained))
        yield CounterMetricFamily(f"{PREFIX}_strains", "Times that a page was told so.", value=self._monitor.strains)
        now = GaugeMetricFamily(f"{PREFIX}_alerting", "Below min_success_rate now.", labels=["scope"])
        total = CounterMetricFamily(f"{PREFIX}_alerts", "Times below min_success_rate.", labels=["scope"])
        for scope in SCOPES:
            now.add_metric([scope], self._monitor.alerting(scope))
            total.add_metric([scope], self._monitor.alerts(scope))
        yield now
        yield total


def _gauge(name: str, text: str, value: float | None) -> Iterator[Metric]:
    if value is not None:
        yield GaugeMetricFamily(f"{PREFIX}_{name}", text, value=value)


def _least(values: Iterator[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _most(values: Iterator[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
