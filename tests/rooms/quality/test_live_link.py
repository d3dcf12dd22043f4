"""A real call on a network that becomes bad, and good again: what is measured, and what follows in the call."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from rooms.performance.sections import AudioConfig
from rooms.quality.link_word import ATTRIBUTE
from rooms.quality.monitor import QualityMonitor
from sim.lossy_link import Conditions
from tests.rooms.quality.live import LENIENT, measured

if TYPE_CHECKING:
    import pytest
    from livekit import rtc

    from rooms.quality.call_link import RoomQuality
    from rooms.quality.watch import Watch
    from tests.rooms.quality.conftest import BadPlace

INTERVAL_S = 2.0
BAD = Conditions(loss=0.15, delay_ms=300, jitter_ms=100)
AUDIO = AudioConfig(target_latency_ms=30, jitter_buffer_ms=110)
LOOKS = 10


class Page:
    """What the caller's side learns of the agent's attribute."""

    def __init__(self, room: rtc.Room) -> None:
        self.words: list[dict[str, Any]] = []
        self._news = asyncio.Event()
        room.on("participant_attributes_changed", self._changed)

    def _changed(self, changed: dict[str, str], _: rtc.Participant) -> None:
        if ATTRIBUTE in changed:
            self.words.append(json.loads(changed[ATTRIBUTE]))
            self._news.set()

    async def until(self, state: str) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while not self.words or self.words[-1]["state"] != state:
                self._news.clear()
                await self._news.wait()
        return self.words[-1]


async def look(watch: Watch, count: int) -> list[RoomQuality]:
    """So many intervals."""
    seen: list[RoomQuality] = []
    for _ in range(count):
        await asyncio.sleep(INTERVAL_S)
        seen.append(await watch.look())
    return seen


async def test_it_falls_and_recovers_and_the_page_is_told(place: BadPlace, caplog: pytest.LogCaptureFixture) -> None:
    """Loss, delay and jitter: bad within two intervals, good within two after; a word and an alert for each."""
    async with place.caller("falls") as caller, place.agent("falls") as agent:
        page = Page(caller.room)
        monitor = QualityMonitor(LENIENT)
        watch = monitor.watch(agent.room, AUDIO)
        good = await measured(watch)
        assert not watch.strain.is_on
        assert page.words == []

        place.link.conditions = BAD
        bad = (await look(watch, 2))[-1]
        place.link.conditions = Conditions()
        assert bad.score is not None
        assert good.score is not None
        assert bad.score < 0.5 * good.score
        assert (bad.success_rate or 0) < 0.97
        assert (watch.strain.count, watch.loss_alert.count) == (1, 1)
        word = await page.until("strained")
        assert AUDIO.jitter_buffer_ms <= word["playout_delay_ms"] <= 3 * AUDIO.jitter_buffer_ms
        assert monitor.strained == ("falls",)

        better = (await look(watch, 2))[-1]
        assert better.score is not None
        assert better.score > 2 * bad.score
        for _ in range(LOOKS):
            if not watch.strain.is_on and not watch.loss_alert.is_on:
                break
            await look(watch, 1)
        word = await page.until("usual")
        assert word["playout_delay_ms"] == AUDIO.target_latency_ms
        told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert sum("packets of a call are lost" in line for line in told) == 1
        await monitor.aclose()
