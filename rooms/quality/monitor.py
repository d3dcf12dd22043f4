"""Watches the API and the calls of one process, and remembers of each no more than the last look."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

from rooms.performance.sections import AudioConfig, QualityMonitoring
from rooms.quality.api_quality import ApiQuality, api_between
from rooms.quality.episode import Episode
from rooms.quality.watch import Watch
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc

    from rooms.clients.figures import PoolStats
    from rooms.quality.call_link import RoomQuality

log = get_logger("quality")

Scope = Literal["api", "room"]


class QualityMonitor:
    """`monitor.watch(room)` for each call; `run()` looks at the API each interval, until it is cancelled.

    `pool`: tells the API's figures, such as `ClientPool.stats`; None where there is no pool. For one event loop.
    """

    def __init__(
        self, settings: QualityMonitoring | None = None, *, pool: Callable[[], PoolStats] | None = None
    ) -> None:
        self._settings = settings or QualityMonitoring()
        self._pool = pool
        self._before: PoolStats | None = None
        self._watches: set[Watch] = set()
        self._ended_alerts = self._ended_strains = 0
        self._woken = asyncio.Event()
        self.api: ApiQuality | None = None
        """Of the last look; None before it, and without a pool."""
        self.api_alert = Episode()
        """Fewer requests succeed than `min_success_rate`."""

    @property
    def settings(self) -> QualityMonitoring:
        return self._settings

    @property
    def rooms(self) -> tuple[RoomQuality, ...]:
        """The last look at each call that goes on."""
        return tuple(watch.quality for watch in tuple(self._watches))

    @property
    def strained(self) -> tuple[str, ...]:
        """The rooms whose page has been told of a bad network, and not of its end."""
        return tuple(watch.quality.room for watch in tuple(self._watches) if watch.strain.is_on)

    @property
    def strains(self) -> int:
        """How often that was said to a page."""
        return self._ended_strains + sum(watch.strain.count for watch in tuple(self._watches))

    def alerts(self, scope: Scope) -> int:
        """How often fewer requests (or packets) than `min_success_rate` came through."""
        if scope == "api":
            return self.api_alert.count
        return self._ended_alerts + sum(watch.loss_alert.count for watch in tuple(self._watches))

    def alerting(self, scope: Scope) -> int:
        """How many such alerts go on."""
        if scope == "api":
            return int(self.api_alert.is_on)
        return sum(watch.loss_alert.is_on for watch in tuple(self._watches))

    def reconfigure(self, settings: QualityMonitoring) -> None:
        """Counts from now on, for all calls; intervals begin anew."""
        self._settings = settings
        self._woken.set()
        for watch in tuple(self._watches):
            watch.wake()

    def watch(self, room: rtc.Room, audio: AudioConfig | None = None) -> Watch:
        """Watch a connected room until it ends or `aclose` of what is returned. `audio`: the room's."""
        watch = Watch(room, audio or AudioConfig(), lambda: self._settings, ended=self._forget)
        self._watches.add(watch)
        return watch

    def look(self) -> ApiQuality | None:
        """Look at the API now. None without a pool."""
        if self._pool is None:
            return None
        before, self._before = self._before, self._pool()
        self.api = api = api_between(before, self._before, self._settings)
        limit = self._settings.min_success_rate
        if api.success_rate is not None and self.api_alert.looked(wrong=api.success_rate < limit):
            figures = {"success_rate": round(api.success_rate, 3), "min_success_rate": limit, "state": api.state}
            if self.api_alert.is_on:
                log.warning("requests to LiveKit fail", **figures, requests=api.requests, failures=api.failures)
            else:
                log.info("requests to LiveKit succeed again", **figures)
        return api

    async def run(self) -> None:
        """Look at the API each `interval_s`, until cancelled."""
        while True:
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.interval_s):
                    await self._woken.wait()
            if not self._woken.is_set() and self._settings.enabled:
                self.look()

    async def aclose(self) -> None:
        """Watch no call any more. Any number of times."""
        await asyncio.gather(*(watch.aclose() for watch in list(self._watches)))

    def _forget(self, watch: Watch) -> None:
        if watch in self._watches:
            self._watches.discard(watch)
            self._ended_alerts += watch.loss_alert.count
            self._ended_strains += watch.strain.count
