"""A greeting in two parts: the opening is ready, the part with the caller's name is spoken while it plays."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np

from prewarm.providers import TTS_SAMPLE_RATE_HZ
from utils.audio import to_frames
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable

    from livekit import rtc

    from prewarm.greeting import Greeting, Spoken

log = get_logger("prewarm")

PAUSE_MS = 150  # between two sentences of one breath
# Counted from the opening's last frame, which leaves some 200 ms before it is heard: longer than this, callers answer.
LATEST_S = 0.6


async def spliced(
    opening: Spoken, personal: Awaitable[Greeting | None], *, pause_ms: int = PAUSE_MS, latest_s: float = LATEST_S
) -> AsyncGenerator[rtc.AudioFrame]:
    """The frames of `opening`, a pause, and the frames of `personal` if it is there in time; 24 kHz mono.

    None, a failure (with a warning) and more than `latest_s` seconds of waiting leave the opening alone. Give a task
    that has been started, and own it: this generator cancels it at its end, but one that is never begun cannot.
    """
    task = asyncio.ensure_future(personal)
    try:
        async for frame in opening.frames():
            yield frame
        if task.done() and _sound(task) is None:
            return
        # The pause is played while the rest is waited for, so being late makes it no longer than it must be.
        for frame in to_frames(np.zeros(TTS_SAMPLE_RATE_HZ * pause_ms // 1000, dtype=np.int16), TTS_SAMPLE_RATE_HZ):
            yield frame
        await asyncio.wait({task}, timeout=latest_s)
        rest = _sound(task)
        if rest is not None:
            async for frame in rest.frames():
                yield frame
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def told(opening: Spoken, personal: asyncio.Task[Greeting | None]) -> AsyncGenerator[str]:
    """The words of the same greeting: those of `personal` when they are known, if they ever are."""
    yield opening.text
    await asyncio.wait({personal})
    if not personal.cancelled() and personal.exception() is None:
        rest = personal.result()
        if rest is not None:
            yield f" {rest.text}"


def _sound(task: asyncio.Future[Greeting | None]) -> Greeting | None:
    """What `task` gave; None, and a warning, if that is nothing to play."""
    if not task.done():
        log.warning("the personal part of the greeting came too late and is left out")
        return None
    if task.cancelled():
        return None
    error = task.exception()
    if error is not None:
        # Its kind alone: the text may hold the caller's name.
        log.warning("the personal part of the greeting is left out", error=type(error).__name__)
        return None
    return task.result()
