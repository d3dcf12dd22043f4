"""What a simulated caller of the benchmark and the tests has heard so far."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from examples.tools_and_handoff.silences import onset

if TYPE_CHECKING:
    from examples.tools_and_handoff.silences import Spans
    from sim.caller import Caller

LOOK_AGAIN_S = 0.02


def spans_of(caller: Caller) -> Spans:
    """All audible spans, in order."""
    return [span for track in caller.heard() for span in track.spans()]


async def said_to_the_end(caller: Caller, since: float, *, timeout_s: float, pause_ms: float = 600) -> None:
    """Wait for the sound of words whose text came `since`, and for the pause behind it. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while onset(spans_of(caller), since) is None:  # noqa: ASYNC110  # the caller tells nobody of its spans
            await asyncio.sleep(LOOK_AGAIN_S)
    await caller.quiet(pause_ms, timeout_s=timeout_s)
