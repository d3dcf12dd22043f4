"""A loop that was held up tells it; one that was not does not."""

from __future__ import annotations

import asyncio
import time

from bench.storm.pulse import NOTED_MS, Pulse


async def test_a_held_loop_is_noted() -> None:
    """By about as long as it was held, and only for those who ask since before that."""
    async with Pulse() as pulse:
        await asyncio.sleep(0.1)
        begun = time.perf_counter()
        time.sleep(0.4)  # noqa: ASYNC251  # this is what is to be noted
        await asyncio.sleep(0.1)
        assert pulse.worst_ms(begun) >= 400 - NOTED_MS
        assert pulse.worst_ms(time.perf_counter()) == 0.0
