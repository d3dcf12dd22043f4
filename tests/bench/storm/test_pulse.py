"""A loop that was held up tells it, and so does a machine without time; one that was not does not."""

from __future__ import annotations

import asyncio
import os
import sys
import time

from bench.storm.pulse import NOTED_MS, WINDOW_S, Pulse


async def test_a_held_loop_is_noted() -> None:
    """By about as long as it was held, and only for those who ask since before that."""
    async with Pulse() as pulse:
        await asyncio.sleep(0.1)
        begun = time.perf_counter()
        time.sleep(0.4)  # noqa: ASYNC251  # this is what is to be noted
        await asyncio.sleep(0.1)
        assert pulse.worst_ms(begun) >= 400 - NOTED_MS
        assert pulse.worst_ms(time.perf_counter()) == 0.0


async def test_a_full_machine_is_noted() -> None:
    """Two processes on each core; told only to those who ask since before that."""
    burn = f"import time; end = time.time() + {3 * WINDOW_S}\nwhile time.time() < end: pass"
    async with Pulse() as pulse:
        begun = time.perf_counter()
        assert pulse.busiest(begun) == 0.0
        hogs = [
            await asyncio.create_subprocess_exec(sys.executable, "-c", burn) for _ in range(2 * (os.cpu_count() or 1))
        ]
        for hog in hogs:
            await hog.wait()
        assert 0.8 < pulse.busiest(begun) <= 1.0
        assert pulse.busiest(time.perf_counter()) == 0.0
