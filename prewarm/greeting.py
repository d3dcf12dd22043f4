"""The greeting's audio: synthesized once, then played from memory."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from dataclasses import astuple, dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from prewarm.greeting_under_way import GreetingUnderWay, SoundSoFar
from prewarm.providers import TTS_SAMPLE_RATE_HZ
from utils.audio import Pcm, first_audible, from_frames, level_speech, to_frames, trim_silence

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from livekit import rtc
    from livekit.agents import APIConnectOptions, tts

    from prewarm.greeting_store import GreetingStore

SPEAKING_LIMIT_S = 10.0  # a greeting is synthesized many times faster than it is spoken
MAX_GREETINGS = 64  # about 10 MB: a greeting of 4 s is 190 kB
MOST_GREETINGS = 256  # for many accounts; the rest comes from disk, some ms later
SOUND_VERSION = 2  # raise it when what is done to the sound below changes: what is on disk is then made anew


def greetings_kept(preload: int) -> int:
    """How many greetings a worker keeps in memory that has those of `preload` accounts ready before its first call."""
    return min(max(MAX_GREETINGS, preload), MOST_GREETINGS)


Speak: TypeAlias = "Callable[[str, SoundSoFar], Awaitable[Pcm]]"  # the words, and whom to tell the sound on its way


class SynthesisFailed(Exception):
    """The TTS gave no sound; the message says what it said."""


@dataclass(frozen=True)
class GreetingKey:
    """What makes two greetings the same sound."""

    text: str
    voice: str
    model: str
    sound: tuple[str, ...] = field(default=(), repr=False)  # it has the provider's address, which may hold a password
    trimmed: bool = True

    def digest(self) -> str:
        """Its name on disk, which tells neither the words nor the address."""
        return hashlib.sha256(json.dumps([SOUND_VERSION, *astuple(self)]).encode()).hexdigest()


@dataclass(frozen=True)
class Greeting:
    """Words and their sound: 24 kHz mono, at the level of all that the agent says from a recording."""

    text: str
    pcm: Pcm

    @property
    def duration_ms(self) -> float:
        return len(self.pcm) * 1000 / TTS_SAMPLE_RATE_HZ

    async def frames(self) -> AsyncIterator[rtc.AudioFrame]:
        for frame in to_frames(self.pcm, TTS_SAMPLE_RATE_HZ):
            yield frame


Spoken: TypeAlias = "Greeting | GreetingUnderWay"  # both have `text` and `frames()`


class GreetingCache:
    """Greetings by key; concurrent requests for one key share one synthesis. `store` keeps them beyond the process."""

    def __init__(self, *, store: GreetingStore | None = None, max_greetings: int = MAX_GREETINGS) -> None:
        self._store = store
        self._max = max_greetings
        self._ready: OrderedDict[GreetingKey, Greeting] = OrderedDict()
        self._under_way: dict[object, GreetingUnderWay] = {}
        self._writes: set[asyncio.Task[None]] = set()
        self.hits = 0
        self.misses = 0
        self.from_disk = 0

    def peek(self, key: GreetingKey) -> Greeting | None:
        """The greeting if it is in memory, at once."""
        found = self._ready.get(key)
        if found is not None:
            self._ready.move_to_end(key)
            self.hits += 1
        return found

    async def get(self, key: GreetingKey, speak: Speak) -> Greeting:
        """The greeting from memory, from disk, or what `speak` makes of its text now. Raises `SynthesisFailed`."""
        return self.peek(key) or await self._begin(key, speak).whole()

    async def soonest(self, key: GreetingKey, speak: Speak) -> Spoken:
        """The same, but one that has to be spoken comes as soon as its sound begins."""
        return self.peek(key) or await self._begin(key, speak).soonest()

    def unkept(self, key: GreetingKey, speak: Speak) -> GreetingUnderWay:
        """Spoken for one call alone."""
        return self._start(object(), key, lambda sound: _alone(key, speak, sound))

    async def aclose(self) -> None:
        """End what is under way; what has been spoken is still written."""
        tasks = [spoken.task for spoken in self._under_way.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._writes, return_exceptions=True)
        if self._store is not None:
            await self._store.aclose()

    def _begin(self, key: GreetingKey, speak: Speak) -> GreetingUnderWay:
        self.misses += 1
        spoken = self._under_way.get(key)
        return spoken or self._start(key, key, lambda sound: self._make(key, speak, sound))

    def _start(
        self, name: object, key: GreetingKey, make: Callable[[SoundSoFar], Awaitable[Greeting]]
    ) -> GreetingUnderWay:
        spoken = self._under_way[name] = GreetingUnderWay(key.text, make, trim=key.trimmed)
        spoken.task.add_done_callback(lambda _: self._under_way.pop(name, None))
        return spoken

    async def _make(self, key: GreetingKey, speak: Speak, sound: SoundSoFar) -> Greeting:
        pcm = await self._store.read(key.digest()) if self._store is not None else None
        if pcm is not None:
            self.from_disk += 1
        else:
            pcm = await speak(key.text, sound)
            if self._store is not None:
                # Behind the greeting: nobody waits for the disk.
                write = asyncio.create_task(self._store.write(key.digest(), pcm), name="keep greeting")
                self._writes.add(write)
                write.add_done_callback(self._writes.discard)
        greeting = Greeting(key.text, pcm)
        self._ready[key] = greeting
        while len(self._ready) > self._max:
            self._ready.popitem(last=False)
        return greeting


async def _alone(key: GreetingKey, speak: Speak, sound: SoundSoFar) -> Greeting:
    return Greeting(key.text, await speak(key.text, sound))


async def synthesize(
    text: str,
    voice: tts.TTS[Any],
    conn_options: APIConnectOptions,
    *,
    trim: bool = True,
    level: bool = True,
    sound: SoundSoFar | None = None,
) -> Pcm:
    """`text` in `voice`, 24 kHz mono; with `trim` without the silence around it, with `level` at one loudness.

    `sound` gets it as it comes, at the voice's own level. Raises `SynthesisFailed`.
    """
    take = sound.attempt() if sound is not None else None
    frames: list[rtc.AudioFrame] = []
    try:
        # The plugin starts its own limit with its first message: a server that hangs up before leaves it waiting.
        async with (
            asyncio.timeout(conn_options.timeout + SPEAKING_LIMIT_S),
            voice.stream(conn_options=conn_options) as stream,
        ):
            stream.push_text(text)
            stream.end_input()
            async for audio in stream:
                frames.append(audio.frame)
                if take is not None:
                    take(audio.frame)
    except Exception as error:
        raise SynthesisFailed(f"the voice did not answer: {type(error).__name__}") from error
    # In a thread: 2 ms for each second of speech, which the other calls of this loop would wait.
    pcm = await asyncio.to_thread(_finish, frames, trim=trim, level=level)
    if len(pcm) == 0:
        raise SynthesisFailed("the voice sent only silence")
    return pcm


def _finish(frames: list[rtc.AudioFrame], *, trim: bool, level: bool) -> Pcm:
    """The sound as it is played; empty when all is silence."""
    pcm = from_frames(frames)
    if first_audible(pcm, TTS_SAMPLE_RATE_HZ) is None:
        return pcm[:0]
    levelled = level_speech(pcm, TTS_SAMPLE_RATE_HZ) if level else pcm
    # Levelled first: what is silence then does not depend on how loud the voice was recorded.
    return trim_silence(levelled, TTS_SAMPLE_RATE_HZ) if trim else levelled
