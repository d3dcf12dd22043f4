"""The greeting's audio: made once, kept, trimmed; a failure is told and forgotten."""

from __future__ import annotations

import asyncio
import dataclasses
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import numpy as np
import pytest
from livekit.agents import APIConnectOptions
from livekit.plugins import elevenlabs

from prewarm.greeting import Greeting, GreetingCache, GreetingKey, SynthesisFailed, greetings_kept, synthesize
from prewarm.greeting_store import GreetingStore
from sim.latency import Fixed, Profile, TtsLatency, fixed_profile
from sim.providers import SimulatedProviders
from utils.audio import SPEECH_DBFS, first_audible, last_audible, speech_level_dbfs

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator
    from pathlib import Path

    from prewarm.greeting_under_way import SoundSoFar
    from utils.audio import Pcm

TEXT = "Hello, this is the front desk."
NO_RETRY = APIConnectOptions(max_retry=0, timeout=10)
RATE_HZ = 24_000
SILENCE_MS = 200


def providers() -> SimulatedProviders:
    base = fixed_profile()
    tts = TtsLatency(Fixed(20), Fixed(SILENCE_MS), realtime_factor=100)
    return SimulatedProviders(profile=Profile(base.soniox, base.llm, tts), only=frozenset({"elevenlabs"}))


@asynccontextmanager
async def voice(server: SimulatedProviders) -> AsyncGenerator[elevenlabs.TTS]:
    async with aiohttp.ClientSession() as session:
        tts = elevenlabs.TTS(
            base_url=server.elevenlabs_base_url, api_key="sim", encoding="pcm_24000", http_session=session
        )
        try:
            yield tts
        finally:
            await tts.aclose()


def key(text: str = TEXT, voice: str = "ada", model: str = "flash") -> GreetingKey:
    return GreetingKey(text, voice, model)


class Speaker:
    """Speaks when it is allowed to, and counts."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.may_speak = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self, text: str, sound: object) -> Pcm:
        self.spoken.append(text)
        await self.may_speak.wait()
        if self.failure is not None:
            raise self.failure
        return np.full(240, 1000, dtype=np.int16)


@pytest.fixture
def speaker() -> Speaker:
    ready = Speaker()
    ready.may_speak.set()
    return ready


async def test_the_provider_speaks_a_greeting_once_for_many_callers_at_once() -> None:
    """Ten callers in the same moment: one synthesis on the wire, the same sound for all."""
    cache = GreetingCache()
    async with providers() as server, voice(server) as tts:

        async def speak(text: str, sound: SoundSoFar) -> Pcm:
            return await synthesize(text, tts, NO_RETRY, sound=sound)

        greetings = await asyncio.gather(*(cache.get(key(), speak) for _ in range(10)))
        assert server.stats["elevenlabs"]["generations"] == 1
        assert server.stats["elevenlabs"]["characters"] == pytest.approx(len(TEXT), abs=1)
    assert all(greeting is greetings[0] for greeting in greetings)
    assert (cache.hits, cache.misses) == (0, 10)


async def test_the_silence_around_the_speech_is_gone() -> None:
    """The provider sends 200 ms of it in front; at most the kept margin of 10 ms and a window are left."""
    async with providers() as server, voice(server) as tts:
        pcm = await synthesize(TEXT, tts, NO_RETRY)
    first, last = first_audible(pcm, RATE_HZ), last_audible(pcm, RATE_HZ)
    assert first is not None
    assert last is not None
    assert first <= RATE_HZ * 15 // 1000
    assert len(pcm) - last <= RATE_HZ * 15 // 1000
    assert len(pcm) > RATE_HZ


async def test_the_silence_stays_if_it_is_not_to_be_trimmed() -> None:
    """With `trim` off the provider's 200 ms are there; the level is the same either way."""
    async with providers() as server, voice(server) as tts:
        kept = await synthesize(TEXT, tts, NO_RETRY, trim=False)
        trimmed = await synthesize(TEXT, tts, NO_RETRY)
    first = first_audible(kept, RATE_HZ)
    assert first is not None
    assert first >= RATE_HZ * (SILENCE_MS - 20) // 1000
    for pcm in (kept, trimmed):
        assert speech_level_dbfs(pcm, RATE_HZ) == pytest.approx(SPEECH_DBFS, abs=0.5)


async def test_a_provider_that_refuses_is_a_failed_synthesis() -> None:
    """The message names the kind of error and holds nothing of the provider's text."""
    async with providers() as server, voice(server) as tts:
        server.set_faults({"elevenlabs": {"reject_every": 1, "reject_status": 503}})
        with pytest.raises(SynthesisFailed, match=r"^the voice did not answer: API\w+Error$"):
            await synthesize(TEXT, tts, NO_RETRY)


class SilentVoice:
    """A stream with nothing but silence, which the simulated provider cannot be asked for."""

    def stream(self, *, conn_options: APIConnectOptions) -> SilentVoice:
        return self

    async def __aenter__(self) -> SilentVoice:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def push_text(self, text: str) -> None:
        return None

    def end_input(self) -> None:
        return None

    def __aiter__(self) -> AsyncIterator[Any]:
        return self._nothing()

    async def _nothing(self) -> AsyncIterator[Any]:
        for event in ():
            yield event


@pytest.mark.parametrize("trim", [True, False])
async def test_only_silence_is_a_failed_synthesis(trim: bool) -> None:
    """A caller who hears nothing has not been greeted."""
    silent: Any = SilentVoice()
    with pytest.raises(SynthesisFailed, match="only silence"):
        await synthesize(TEXT, silent, NO_RETRY, trim=trim)


async def test_the_second_call_is_greeted_from_memory(speaker: Speaker) -> None:
    """One synthesis, then the same object; `peek` gives it without waiting."""
    cache = GreetingCache()
    assert cache.peek(key()) is None
    first = await cache.get(key(), speaker)
    assert await cache.get(key(), speaker) is first
    assert cache.peek(key()) is first
    assert (speaker.spoken, cache.hits, cache.misses) == ([TEXT], 2, 1)


OTHERS = [
    key(text="Hi."),
    key(voice="alan"),
    key(model="v3"),
    dataclasses.replace(key(), sound=("pcm_16000",)),
    dataclasses.replace(key(), trimmed=False),
]


@pytest.mark.parametrize("other", OTHERS)
async def test_another_text_voice_model_or_form_is_another_greeting(speaker: Speaker, other: GreetingKey) -> None:
    """What is heard depends on all of them."""
    cache = GreetingCache()
    assert await cache.get(key(), speaker) is not await cache.get(other, speaker)
    assert len(speaker.spoken) == 2


def test_the_name_on_disk_is_the_keys_alone() -> None:
    """Equal keys have one name, any other key another one; it tells nothing of what it stands for."""
    names = [each.digest() for each in (key(), *OTHERS)]
    assert names[0] == key().digest()
    assert len(set(names)) == len(names)
    assert all(set(name) <= set("0123456789abcdef") and len(name) == 64 for name in names)


def test_a_key_does_not_show_the_address() -> None:
    """A base URL may carry a password."""
    assert "hidden" not in repr(dataclasses.replace(key(), sound=("pcm_24000", "http://user:hidden@host/v1")))


async def test_a_worker_that_starts_again_finds_the_greeting_on_disk(speaker: Speaker, tmp_path: Path) -> None:
    """The second one asks no provider, and the sound is the same to the sample."""
    first, second = (GreetingCache(store=GreetingStore(tmp_path, sample_rate_hz=RATE_HZ)) for _ in range(2))
    spoken = await first.get(key(), speaker)
    await first.aclose()
    found = await second.get(key(), speaker)
    assert await second.get(key(), speaker) is found
    assert (found.text, found.pcm.tolist()) == (TEXT, spoken.pcm.tolist())
    assert (speaker.spoken, second.from_disk, second.hits, second.misses) == ([TEXT], 1, 1, 1)
    await second.get(OTHERS[0], speaker)
    assert len(speaker.spoken) == 2
    await second.aclose()


async def test_callers_at_once_ask_the_disk_once(tmp_path: Path) -> None:
    """What is under way counts for the disk too; nobody waits for the writing."""
    speaker, store = Speaker(), GreetingStore(tmp_path, sample_rate_hz=RATE_HZ)
    cache = GreetingCache(store=store)
    waiting = [asyncio.create_task(cache.get(key(), speaker)) for _ in range(5)]
    while not speaker.spoken:
        await asyncio.sleep(0.01)
    speaker.may_speak.set()
    greetings = await asyncio.gather(*waiting)
    assert all(greeting is greetings[0] for greeting in greetings)
    assert len(speaker.spoken) == 1
    await cache.aclose()


async def test_a_folder_that_cannot_be_used_costs_no_greeting(speaker: Speaker, tmp_path: Path) -> None:
    """It is spoken once and kept in memory, as without a folder."""
    (tmp_path / "file").touch()
    cache = GreetingCache(store=GreetingStore(tmp_path / "file" / "greetings", sample_rate_hz=RATE_HZ))
    assert await cache.get(key(), speaker) is await cache.get(key(), speaker)
    assert speaker.spoken == [TEXT]
    await cache.aclose()


async def test_the_greeting_that_rested_longest_makes_room(speaker: Speaker) -> None:
    """Two fit: the third takes the place of the one that was not asked for in between."""
    cache = GreetingCache(max_greetings=2)
    for text in ("a", "b", "a", "c"):
        await cache.get(key(text), speaker)
    assert [cache.peek(key(text)) is not None for text in "abc"] == [True, False, True]


async def test_a_failure_reaches_all_who_wait_and_is_not_kept(speaker: Speaker) -> None:
    """The next caller gets a new attempt."""
    cache = GreetingCache()
    speaker.failure = SynthesisFailed("away")
    results = await asyncio.gather(*(cache.get(key(), speaker) for _ in range(3)), return_exceptions=True)
    assert [str(result) for result in results] == ["away"] * 3
    assert len(speaker.spoken) == 1
    speaker.failure = None
    assert isinstance(await cache.get(key(), speaker), Greeting)


async def test_a_caller_who_hangs_up_does_not_take_the_greeting_from_the_others() -> None:
    """The first one started it and leaves; the second one still gets it, from the same synthesis."""
    speaker, cache = Speaker(), GreetingCache()
    leaver, stayer = [asyncio.create_task(cache.get(key(), speaker)) for _ in range(2)]
    await asyncio.sleep(0)
    leaver.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaver
    speaker.may_speak.set()
    assert (await stayer).text == TEXT
    assert len(speaker.spoken) == 1


async def test_closing_ends_what_is_under_way() -> None:
    """No task is left, and who waited is told by cancellation."""
    speaker, cache = Speaker(), GreetingCache()
    waiting = asyncio.create_task(cache.get(key(), speaker))
    await asyncio.sleep(0)
    await cache.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await cache.aclose()


async def test_the_frames_are_the_sound() -> None:
    """Frames of 20 ms, the last one shorter, joined: exactly the samples; and the length in ms."""
    pcm = np.arange(1000, dtype=np.int16)
    greeting = Greeting("x", pcm)
    frames = [frame async for frame in greeting.frames()]
    assert [frame.samples_per_channel for frame in frames] == [480, 480, 40]
    assert np.concatenate([np.frombuffer(frame.data, dtype=np.int16) for frame in frames]).tolist() == pcm.tolist()
    assert greeting.duration_ms == pytest.approx(1000 / 24)


@pytest.mark.parametrize(("preload", "kept"), [(0, 64), (64, 64), (200, 200), (1000, 256)])
def test_the_greetings_of_the_accounts_that_are_ready_stay_in_memory(preload: int, kept: int) -> None:
    """Up to a bound of about 50 MB; the others come from disk."""
    assert greetings_kept(preload) == kept
