"""A source of sound that can stand still: what has not been played is kept, and goes on where it stopped.

The framework's own pause throws up to 200 ms of words away, and takes effect with the next frame, up to 50 ms late.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from livekit import rtc

if TYPE_CHECKING:
    from collections.abc import Iterable

BYTES_A_SAMPLE = 2


class HeldSource(rtc.AudioSource):
    """Mono. While it is held its frames wait; to who feeds it, time stands still."""

    def __init__(self, sample_rate: int, *, queue_size_ms: int) -> None:
        super().__init__(sample_rate, 1, queue_size_ms=queue_size_ms)
        self._kept_s = queue_size_ms / 1000 + 0.1
        self._sent: deque[rtc.AudioFrame] = deque()
        self._sent_s = 0.0
        self._waiting: list[rtc.AudioFrame] = []
        self._free = asyncio.Event()
        self._free.set()
        self._holds, self._cleared = 0, 0
        self._returning: asyncio.Task[None] | None = None

    @property
    def is_held(self) -> bool:
        return not self._free.is_set()

    @property
    def queued_duration(self) -> float:
        """Seconds that were taken and not played, held ones too."""
        return super().queued_duration + sum(frame.duration for frame in self._waiting)

    def hold(self) -> None:
        """Fall silent at once. Does nothing if it is held already."""
        if self.is_held:
            return
        self._free.clear()
        self._holds += 1
        unplayed_s = super().queued_duration
        if self._returning is not None:
            self._returning.cancel()
            self._returning = None
        self._waiting = [*_last(self._sent, unplayed_s), *self._waiting]
        self._forget_sent()
        super().clear_queue()

    def release(self) -> None:
        """Go on from where it was held."""
        if not self.is_held:
            return
        self._free.set()
        if self._waiting:
            self._returning = asyncio.create_task(self._give_back(), name="held sound")

    def clear_queue(self) -> None:
        """What is held is thrown away too, and so is a frame that waits to be taken; the hold is over."""
        self._cleared += 1
        self._waiting = []
        self._forget_sent()
        super().clear_queue()
        self._free.set()

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        cleared = self._cleared
        await self._ready()
        if cleared == self._cleared:
            await self._send(frame)

    async def wait_for_playout(self) -> None:
        holds = -1
        while self.is_held or holds != self._holds:
            holds = self._holds
            await self._ready()
            await super().wait_for_playout()  # returns at a hold too

    async def aclose(self) -> None:
        if self._returning is not None:
            self._returning.cancel()
            await asyncio.gather(self._returning, return_exceptions=True)
        await super().aclose()

    async def _ready(self) -> None:
        while True:
            await self._free.wait()
            returning = self._returning
            if returning is None or returning.done():
                return
            await asyncio.wait([returning])

    async def _give_back(self) -> None:
        while self._waiting:
            await self._send(self._waiting.pop(0))

    async def _send(self, frame: rtc.AudioFrame) -> None:
        self._sent.append(frame)
        self._sent_s += frame.duration
        while self._sent and self._sent_s - self._sent[0].duration > self._kept_s:
            self._sent_s -= self._sent.popleft().duration
        await super().capture_frame(frame)

    def _forget_sent(self) -> None:
        self._sent.clear()
        self._sent_s = 0.0


def _last(frames: Iterable[rtc.AudioFrame], length_s: float) -> list[rtc.AudioFrame]:
    """The last `length_s` of `frames`, the first one of them cut."""
    taken: list[rtc.AudioFrame] = []
    missing_s = length_s
    for frame in reversed([*frames]):
        if missing_s <= 0:
            break
        if frame.duration > missing_s:
            samples = round(missing_s * frame.sample_rate)
            data = bytes(frame.data)[(frame.samples_per_channel - samples) * BYTES_A_SAMPLE :]
            frame = rtc.AudioFrame(data, frame.sample_rate, 1, samples)
        missing_s -= frame.duration
        if frame.samples_per_channel:
            taken.append(frame)
    return taken[::-1]
