"""The greeting's audio: synthesized once, then played from memory."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prewarm.providers import TTS_SAMPLE_RATE_HZ
from utils.audio import Pcm, from_frames, to_frames, trim_silence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from livekit import rtc
    from livekit.agents import APIConnectOptions, tts

SPEAKING_LIMIT_S = 10.0  # a greeting is synthesized many times faster than it is spoken
MAX_GREETINGS = 64  # about 10 MB: a greeting of 4 s is 190 kB


class SynthesisFailed(Exception):
    """The TTS gave no sound; the message says what it said."""


@dataclass(frozen=True)
class GreetingKey:
    """What makes two greetings the same sound."""

    text: str
    voice: str
    model: str


@dataclass(frozen=True)
class Greeting:
    """Words and their sound: 24 kHz mono, without the silence that providers put around speech."""

    text: str
    pcm: Pcm

    @property
    def duration_ms(self) -> float:
        return len(self.pcm) * 1000 / TTS_SAMPLE_RATE_HZ

    async def frames(self) -> AsyncIterator[rtc.AudioFrame]:
        for frame in to_frames(self.pcm, TTS_SAMPLE_RATE_HZ):
            yield frame


class GreetingCache:
    """Greetings by key; concurrent requests for one key share one synthesis."""

    def __init__(self, *, max_greetings: int = MAX_GREETINGS) -> None:
        self._max = max_greetings
        self._ready: OrderedDict[GreetingKey, Greeting] = OrderedDict()
        self._under_way: dict[GreetingKey, asyncio.Task[Greeting]] = {}
        self.hits = 0
        self.misses = 0

    def peek(self, key: GreetingKey) -> Greeting | None:
        """The greeting if it is in memory, at once."""
        found = self._ready.get(key)
        if found is not None:
            self._ready.move_to_end(key)
            self.hits += 1
        return found

    async def get(self, key: GreetingKey, speak: Callable[[str], Awaitable[Pcm]]) -> Greeting:
        """The greeting from memory, or what `speak` makes of its text now. Raises `SynthesisFailed`."""
        found = self.peek(key)
        if found is not None:
            return found
        self.misses += 1
        task = self._under_way.get(key)
        if task is None:
            task = asyncio.create_task(self._make(key, speak), name="greeting")
            self._under_way[key] = task
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        # One caller who hangs up must not take the greeting from the others who wait for it.
        return await asyncio.shield(task)

    async def aclose(self) -> None:
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _make(self, key: GreetingKey, speak: Callable[[str], Awaitable[Pcm]]) -> Greeting:
        greeting = Greeting(key.text, await speak(key.text))
        self._ready[key] = greeting
        while len(self._ready) > self._max:
            self._ready.popitem(last=False)
        return greeting


async def synthesize(text: str, voice: tts.TTS[Any], conn_options: APIConnectOptions) -> Pcm:
    """`text` in `voice`, 24 kHz mono, without the silence around it. Raises `SynthesisFailed`."""
    frames: list[rtc.AudioFrame] = []
    try:
        # The plugin starts its own limit with its first message: a server that hangs up before leaves it waiting.
        async with (
            asyncio.timeout(conn_options.timeout + SPEAKING_LIMIT_S),
            voice.stream(conn_options=conn_options) as stream,
        ):
            stream.push_text(text)
            stream.end_input()
            frames.extend([audio.frame async for audio in stream])
    except Exception as error:
        raise SynthesisFailed(f"the voice did not answer: {type(error).__name__}") from error
    pcm = trim_silence(from_frames(frames), TTS_SAMPLE_RATE_HZ)
    if len(pcm) == 0:
        raise SynthesisFailed("the voice sent only silence for the greeting")
    return pcm
