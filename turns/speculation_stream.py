"""The shell around `Speculation`: it holds the only timer, and reads an STT's events."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from livekit.agents.utils import aio

from turns.speculation import FINAL, PREFLIGHT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Iterable

    from livekit.agents.stt import SpeechEvent

    from turns.speculation import Speculation


async def speculate(events: AsyncIterable[SpeechEvent], speculation: Speculation) -> AsyncGenerator[SpeechEvent]:
    """`events` of an STT, for `Agent.stt_node`: none lost, in their order, preflights among them.

    An error of `events` passes through behind what came before it. May be closed or cancelled at any point, and begun
    again with the same `speculation` on the STT's next stream.
    """
    queue: asyncio.Queue[SpeechEvent | None] = asyncio.Queue()

    async def read() -> None:
        # The source stays in one task: it may hold what only the task that entered it can leave.
        try:
            async for event in events:
                queue.put_nowait(event)
        finally:
            queue.put_nowait(None)

    reader = asyncio.create_task(read(), name="speculation-reader")
    try:
        while True:
            passed: Iterable[SpeechEvent]
            try:
                async with asyncio.timeout(speculation.wait_s()):
                    event = await queue.get()
            except TimeoutError:
                passed = speculation.time_passed()
            else:
                if event is None:
                    break
                passed = speculation.heard(event)
            for changed in passed:
                yield changed
                if changed.type in (PREFLIGHT, FINAL):
                    await asyncio.sleep(0)  # the framework takes it under the permission that was given for it
        await reader
    finally:
        await aio.cancel_and_wait(reader)
