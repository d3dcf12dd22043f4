"""A greeting that is played while it is spoken: begun at its first sound, whole at its end, whatever comes between."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest
from livekit import rtc

from prewarm.greeting import Greeting, GreetingCache, GreetingKey, SynthesisFailed
from prewarm.greeting_under_way import GreetingUnderWay, SoundSoFar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from utils.audio import Pcm

RATE_HZ = 24_000
KEY = GreetingKey("Hello there.", "ada", "flash")


def silence(ms: int) -> Pcm:
    return np.zeros(RATE_HZ * ms // 1000, dtype=np.int16)


def speech(ms: int) -> Pcm:
    """No two samples of a second are the same: what is missing or there twice is seen."""
    return (np.arange(RATE_HZ * ms // 1000) % RATE_HZ + 5000).astype(np.int16)


def frame(pcm: Pcm) -> rtc.AudioFrame:
    return rtc.AudioFrame(pcm.tobytes(), RATE_HZ, 1, len(pcm))


async def joined(frames: AsyncIterator[rtc.AudioFrame]) -> Pcm:
    return np.concatenate(
        [np.empty(0, dtype=np.int16), *[np.frombuffer(each.data, dtype=np.int16) async for each in frames]]
    )


class Mouth:
    """Says what it is told, when it is told: a frame, the whole sound, or a failure."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Pcm | Greeting | Exception] = asyncio.Queue()

    def say(self, *words: Pcm | Greeting | Exception) -> None:
        for each in words:
            self.queue.put_nowait(each)

    async def make(self, sound: SoundSoFar) -> Greeting:
        take = sound.attempt()
        while True:
            match await self.queue.get():
                case Greeting() as whole:
                    return whole
                case ConnectionError():
                    take = sound.attempt()
                case np.ndarray() as pcm:
                    take(frame(pcm))
                case error:
                    raise error


@pytest.fixture
def mouth() -> Mouth:
    return Mouth()


def spoken_by(mouth: Mouth, *, trim: bool = True) -> GreetingUnderWay:
    return GreetingUnderWay(KEY.text, mouth.make, trim=trim)


async def test_it_begins_with_its_first_sound_and_not_before(mouth: Mouth) -> None:
    """Silence is no beginning; the first frame that is played begins with the sound."""
    under_way = spoken_by(mouth)
    beginning = asyncio.create_task(under_way.soonest())
    mouth.say(silence(100))
    while not mouth.queue.empty():
        await asyncio.sleep(0)
    assert not beginning.done()
    mouth.say(np.concatenate([silence(100), speech(40)]))
    assert await beginning is under_way
    first = await anext(aiter(under_way.frames()))
    assert np.frombuffer(first.data, dtype=np.int16).tolist() == speech(40)[: RATE_HZ // 50].tolist()
    mouth.say(Greeting(KEY.text, speech(40)))
    await under_way.whole()


async def test_all_of_it_is_heard_by_each_who_plays_it(mouth: Mouth) -> None:
    """Two who began at other moments hear the same samples, none twice and none missing, a short last frame too."""
    under_way, sound = spoken_by(mouth), speech(507)
    early = asyncio.create_task(joined(under_way.frames()))
    for begin in range(0, len(sound), 1000):
        mouth.say(sound[begin : begin + 1000])
        await asyncio.sleep(0)
    late = asyncio.create_task(joined(under_way.frames()))
    mouth.say(Greeting(KEY.text, sound))
    assert (await early).tolist() == (await late).tolist() == sound.tolist()
    assert (await under_way.soonest()) is await under_way.whole()


async def test_untrimmed_it_begins_with_the_silence(mouth: Mouth) -> None:
    """TRIM_GREETING=false: what the provider sends is what is played."""
    under_way, sound = spoken_by(mouth, trim=False), np.concatenate([silence(60), speech(60)])
    mouth.say(sound, Greeting(KEY.text, sound))
    assert (await joined(under_way.frames())).tolist() == sound.tolist()


async def test_a_second_voice_goes_on_where_the_first_broke_off(mouth: Mouth) -> None:
    """It says the text from its beginning; of that only what was not there yet is played."""
    under_way, sound = spoken_by(mouth), speech(300)
    mouth.say(np.concatenate([silence(50), sound[:3000]]), ConnectionError())
    mouth.say(np.concatenate([silence(80), sound[:2000]]), sound[2000:5000], sound[5000:], Greeting(KEY.text, sound))
    assert (await joined(under_way.frames())).tolist() == sound.tolist()


async def test_a_failure_before_the_first_sound_is_raised(mouth: Mouth) -> None:
    """To each who waits: the call then says goodbye instead of greeting with silence."""
    under_way = spoken_by(mouth)
    mouth.say(silence(100), SynthesisFailed("away"))
    for waiting in (under_way.soonest(), under_way.whole()):
        with pytest.raises(SynthesisFailed, match="away"):
            await waiting


async def test_a_failure_in_the_middle_ends_it_with_a_warning(mouth: Mouth, caplog: pytest.LogCaptureFixture) -> None:
    """What was there is heard, and the log tells that the rest was not."""
    under_way, sound = spoken_by(mouth), speech(50)
    mouth.say(sound)
    assert await under_way.soonest() is under_way
    mouth.say(SynthesisFailed("the voice did not answer"))
    assert (await joined(under_way.frames())).tolist() == sound.tolist()
    assert "the greeting broke off" in caplog.text


async def test_the_cache_plays_what_is_under_way_and_keeps_what_it_became(mouth: Mouth) -> None:
    """A call joins a synthesis that was begun for keeping; the next one has it whole, from memory."""
    cache = GreetingCache()
    sound = speech(100)

    async def speak(text: str, so_far: SoundSoFar) -> Pcm:
        return (await mouth.make(so_far)).pcm

    prepared = asyncio.create_task(cache.get(KEY, speak))
    first = asyncio.create_task(cache.soonest(KEY, speak))
    mouth.say(sound)
    heard = await first
    assert isinstance(heard, GreetingUnderWay)
    assert not prepared.done()
    mouth.say(Greeting(KEY.text, sound))
    assert (await joined(heard.frames())).tolist() == sound.tolist()
    assert await cache.soonest(KEY, speak) is await prepared
    assert (cache.hits, cache.misses) == (1, 2)
    await cache.aclose()


async def test_the_end_of_the_worker_ends_it(mouth: Mouth) -> None:
    """Who plays it hears no more; nothing runs on, for a greeting that is not to be kept neither."""
    cache = GreetingCache()

    async def speak(text: str, so_far: SoundSoFar) -> Pcm:
        return (await mouth.make(so_far)).pcm

    under_way = cache.unkept(KEY, speak)
    playing = asyncio.create_task(joined(under_way.frames()))
    mouth.say(speech(40))
    await under_way.soonest()
    await cache.aclose()
    assert under_way.task.cancelled()
    assert len(await playing) == len(speech(40))
