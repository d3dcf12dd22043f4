"""What holds the loop is seen with its length, and with the share that the loop's own code had."""

from __future__ import annotations

import asyncio
import time

import pytest

from bench.loop_monitor import BEAT_S, LoopMonitor

HELD_S = 0.3
BEAT_MS = BEAT_S * 1000


async def test_code_that_holds_the_loop_is_seen() -> None:
    """As long as it was held, less a beat, and most of it as the loop's own work."""
    async with LoopMonitor() as monitor:
        before = len(monitor.blocks(HELD_S * 900))
        end = time.thread_time() + HELD_S
        while time.thread_time() < end:
            pass
    (block,) = monitor.blocks(HELD_S * 900)
    assert before == 0
    assert block.late_ms >= HELD_S * 1000 - BEAT_MS
    assert block.cpu_ms >= HELD_S * 900
    assert monitor.worst_ms >= block.late_ms


async def test_a_wait_in_the_system_is_a_block_without_work() -> None:
    """A call that sleeps holds the loop just as long, and takes no processor."""
    async with LoopMonitor() as monitor:
        time.sleep(HELD_S)  # noqa: ASYNC251  # this is what is to be noted
    assert monitor.worst_ms >= HELD_S * 1000 - BEAT_MS
    assert monitor.worst_cpu_ms < HELD_S * 500


async def test_a_loop_that_is_free_is_not_blamed() -> None:
    """What runs in a thread and sleeps there is no block of the loop: the loop beats on."""
    async with LoopMonitor() as monitor:
        await asyncio.to_thread(time.sleep, HELD_S)
    assert monitor.beats > 3
    assert monitor.worst_cpu_ms < HELD_S * 500


async def test_what_is_not_noted_cannot_be_asked_for() -> None:
    """The error names what was asked for and from where on blocks are known."""
    async with LoopMonitor(noted_ms=5.0) as monitor:
        with pytest.raises(ValueError, match="over_ms: got 1, allowed: 5 or more"):
            monitor.blocks(1.0)
    with pytest.raises(ValueError, match="beat_s: got 0, allowed: more than 0"):
        LoopMonitor(beat_s=0)
