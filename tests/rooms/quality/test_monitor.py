"""The monitor's looks at the API, and its alert."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rooms.clients.figures import State
from rooms.performance.sections import QualityMonitoring
from rooms.quality.monitor import QualityMonitor
from tests.rooms.quality.pool_figures import client, pool

if TYPE_CHECKING:
    import pytest

    from rooms.clients.figures import PoolStats


class Pool:
    """Answers so many requests between two looks."""

    def __init__(self) -> None:
        self.requests = self.failures = self.looks = 0
        self.state = State.CONNECTED
        self.looked = asyncio.Event()

    def ask(self, requests: int, failures: int = 0) -> None:
        self.requests += requests
        self.failures += failures

    def stats(self) -> PoolStats:
        self.looks += 1
        self.looked.set()
        return pool(client(self.requests, 10.0, self.failures), state=self.state)

    async def until_looked(self, more: int) -> None:
        wanted = self.looks + more
        async with asyncio.timeout(10):
            while self.looks < wanted:
                self.looked.clear()
                await self.looked.wait()


def lines(caplog: pytest.LogCaptureFixture, level: str) -> list[str]:
    return [
        str(vars(record)["event"]) if "event" in vars(record) else record.getMessage()
        for record in caplog.records
        if record.levelname == level
    ]


async def test_an_outage_is_one_alert(caplog: pytest.LogCaptureFixture) -> None:
    """The score falls with the first look at it and recovers with the first after it; one line for each episode."""
    asked = Pool()
    monitor = QualityMonitor(pool=asked.stats)
    scores: list[float | None] = []
    for requests, failures in ((20, 0), (20, 5), (20, 20), (0, 0), (20, 0), (20, 0), (20, 0)):
        asked.ask(requests, failures)
        looked = monitor.look()
        scores.append(looked.score if looked else None)
    good, worse, worst, nothing, *again = [score or 0.0 for score in scores]
    assert good > worse > worst == 0
    assert nothing == 0
    assert scores[3] is None
    assert all(score > 0.9 for score in (good, *again))
    assert (monitor.alerts("api"), monitor.alerting("api")) == (1, 0)
    assert len([line for line in lines(caplog, "WARNING") if "requests to LiveKit fail" in line]) == 1


async def test_the_alert_goes_on_while_nothing_is_known() -> None:
    """No request is no success."""
    asked = Pool()
    monitor = QualityMonitor(pool=asked.stats)
    asked.ask(10, 10)
    for _ in range(5):
        monitor.look()
    assert monitor.alerting("api") == 1


async def test_it_looks_each_interval_until_it_is_cancelled() -> None:
    """A new interval counts at once; switched off, it does not look."""
    asked = Pool()
    monitor = QualityMonitor(QualityMonitoring(interval_s=3600), pool=asked.stats)
    running = asyncio.create_task(monitor.run())
    try:
        await asyncio.sleep(0)
        monitor.reconfigure(QualityMonitoring(interval_s=0.02))
        await asked.until_looked(3)
        monitor.reconfigure(QualityMonitoring(interval_s=0.02, enabled=False))
        await asyncio.sleep(0.05)
        before = asked.looks
        await asyncio.sleep(0.2)
        assert asked.looks == before
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_without_a_pool_there_is_nothing_to_see() -> None:
    """None, and no error."""
    monitor = QualityMonitor()
    assert monitor.look() is None
    assert (monitor.api, monitor.rooms, monitor.alerts("room")) == (None, (), 0)
    await monitor.aclose()
