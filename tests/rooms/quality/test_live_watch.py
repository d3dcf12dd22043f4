"""The watch of a real call: what it sees when nothing comes any more, its interval, and its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rooms.quality.monitor import QualityMonitor
from sim.lossy_link import Conditions
from tests.rooms.quality.live import LENIENT, measured

if TYPE_CHECKING:
    from tests.rooms.quality.conftest import BadPlace


async def test_a_call_that_is_cut_off_is_lost(place: BadPlace) -> None:
    """Not a packet of the caller comes, and none that could be counted as lost: the share is 0 all the same."""
    async with place.caller("silent"), place.agent("silent") as agent:
        monitor = QualityMonitor(LENIENT)
        watch = monitor.watch(agent.room)
        await measured(watch)
        place.link.conditions = Conditions(loss=1)
        await asyncio.sleep(1.0)  # what was under way
        await watch.look()
        await asyncio.sleep(1.5)
        quality = await watch.look()
        place.link.conditions = Conditions()
        assert (quality.success_rate, quality.score) == (0, 0)
        await monitor.aclose()


async def test_a_room_that_ends_is_forgotten(place: BadPlace) -> None:
    """Nothing is left of its watch but the counts; closing it again does nothing."""
    monitor = QualityMonitor(LENIENT)
    async with place.agent("ends") as agent:
        watch = monitor.watch(agent.room)
        await watch.look()
        assert [quality.room for quality in monitor.rooms] == ["ends"]
    async with asyncio.timeout(10):
        while monitor.rooms:
            await asyncio.sleep(0.01)
    await watch.aclose()
    await monitor.aclose()
    assert (monitor.rooms, monitor.strained) == ((), ())


async def test_it_looks_each_interval(place: BadPlace) -> None:
    """By itself; a new interval counts at once, and none is looked at while it is off."""
    async with place.caller("looks"), place.agent("looks") as agent:
        monitor = QualityMonitor(LENIENT)
        monitor.watch(agent.room)
        monitor.reconfigure(LENIENT.model_copy(update={"interval_s": 0.3}))
        async with asyncio.timeout(20):
            while not any(quality.score for quality in monitor.rooms):
                await asyncio.sleep(0.05)
        monitor.reconfigure(LENIENT.model_copy(update={"interval_s": 0.05, "enabled": False}))
        await asyncio.sleep(0.2)
        before = monitor.rooms
        await asyncio.sleep(0.5)
        assert monitor.rooms[0] is before[0]
        await monitor.aclose()
        assert monitor.rooms == ()
