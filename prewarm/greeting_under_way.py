"""A greeting that is heard while it is still being spoken: what the first caller of a new account hears.

It sounds as live replies do, at the voice's own level; from the second call on it is the levelled one.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

import numpy as np
from livekit import rtc

from prewarm.providers import TTS_SAMPLE_RATE_HZ
from utils.audio import first_audible
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from prewarm.greeting import Greeting

log = get_logger("prewarm")

FRAME_BYTES = TTS_SAMPLE_RATE_HZ * 2 // 50  # 20 ms


class SoundSoFar:
    """The sound of one text by one voice, from its first audible sample; it only grows. 24 kHz mono, 16 bit."""

    def __init__(self, *, trim: bool) -> None:
        self._trim = trim
        self._news = asyncio.Event()
        self.samples = bytearray()
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def attempt(self) -> Callable[[rtc.AudioFrame], None]:
        """Takes the frames of one synthesis. A further one, after a failure, goes on where the sound broke off."""
        lead = np.empty(0, dtype=np.int16)
        at, begun = 0, not self._trim

        def take(frame: rtc.AudioFrame) -> None:
            nonlocal lead, at, begun
            pcm = np.frombuffer(frame.data, dtype=np.int16)
            if not begun:
                lead = np.concatenate([lead, pcm])
                onset = first_audible(lead, TTS_SAMPLE_RATE_HZ)
                if onset is None:
                    return
                begun, pcm = True, lead[onset:]
            at += 2 * len(pcm)
            if at > len(self.samples):
                self.samples += pcm.tobytes()[len(self.samples) - at :]
                self.tell()

        return take

    def tell(self) -> None:
        """Wake who waits for more."""
        if self.samples and not self.begun.done():
            self.begun.set_result(None)
        self._news.set()
        self._news = asyncio.Event()

    async def more(self) -> None:
        """Wait for the next `tell`."""
        await self._news.wait()


class GreetingUnderWay:
    """A greeting in the making: any number of calls may play it, each from its beginning."""

    def __init__(self, text: str, make: Callable[[SoundSoFar], Awaitable[Greeting]], *, trim: bool) -> None:
        """`make` gives the whole greeting, and tells the sound on the way. Starts at once; `whole` owns the failure."""
        self.text = text
        self._sound = SoundSoFar(trim=trim)
        self.task: asyncio.Task[Greeting] = asyncio.ensure_future(make(self._sound))
        self.task.add_done_callback(self._over)

    async def whole(self) -> Greeting:
        """The finished greeting. Raises `SynthesisFailed`."""
        # One caller who hangs up must not take the greeting from the others who wait for it.
        return await asyncio.shield(self.task)

    async def soonest(self) -> Greeting | Self:
        """The finished greeting, or this one as soon as its sound has begun. Raises `SynthesisFailed` before that."""
        await asyncio.wait((self.task, self._sound.begun), return_when=asyncio.FIRST_COMPLETED)
        return self.task.result() if self.task.done() else self

    async def frames(self) -> AsyncIterator[rtc.AudioFrame]:
        """What is there at once, the rest as it comes; the end of a failed one is missing, with a warning."""
        at = 0
        while True:
            left = len(self._sound.samples) - at
            if left >= FRAME_BYTES or (left and self.task.done()):
                data = bytes(self._sound.samples[at : at + FRAME_BYTES])
                at += len(data)
                yield rtc.AudioFrame(data, TTS_SAMPLE_RATE_HZ, 1, len(data) // 2)
            elif self.task.done():
                break
            else:
                await self._sound.more()
        if not self.task.cancelled() and (error := self.task.exception()) is not None:
            log.warning("the greeting broke off", reason=str(error))

    def _over(self, task: asyncio.Task[Greeting]) -> None:
        if not task.cancelled():
            task.exception()  # who waits for it raises it; nobody may be waiting any more
        self._sound.tell()
