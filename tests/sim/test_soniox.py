"""The unmodified plugin against the simulator, in real time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, APIStatusError
from livekit.agents.stt import SpeechEventType
from livekit.plugins import soniox as plugin
from livekit.plugins.soniox.stt import SpeechStream

from sim.latency import fixed_profile
from sim.soniox import SonioxFaults
from sim.speech.library import load_speech
from tests.sim.soniox_harness import QUICK, silence, simulator, spoken

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from livekit.agents import stt

    from sim.ears.base import Samples
    from sim.latency import SonioxLatency

INTERIM, PREFLIGHT = SpeechEventType.INTERIM_TRANSCRIPT, SpeechEventType.PREFLIGHT_TRANSCRIPT
FINAL, BEGIN, END = (
    SpeechEventType.FINAL_TRANSCRIPT,
    SpeechEventType.START_OF_SPEECH,
    SpeechEventType.END_OF_SPEECH,
)
ONCE = APIConnectOptions(max_retry=0)
BEFORE_MS = 300


@dataclass
class Heard:
    """The events of one stream with the time of each on the loop's clock."""

    stream: stt.SpeechStream
    events: list[tuple[float, SpeechEventType, str]] = field(default_factory=list)
    audio_s: float = 0.0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def listen(self) -> None:
        async for event in self.stream:
            text = event.alternatives[0].text if event.alternatives else ""
            async with self.changed:
                self.events.append((asyncio.get_running_loop().time(), event.type, text))
                self.audio_s += event.recognition_usage.audio_duration if event.recognition_usage else 0
                self.changed.notify_all()

    async def until(self, kind: SpeechEventType, count: int = 1) -> None:
        async with asyncio.timeout(15), self.changed:
            await self.changed.wait_for(lambda: len(self.texts(kind)) >= count)

    def texts(self, *kinds: SpeechEventType) -> list[str]:
        return [text for _, kind, text in self.events if kind in kinds]

    def first_s(self, kind: SpeechEventType, text: str) -> float:
        return next(at_s for at_s, k, t in self.events if k is kind and t == text)


async def play(stream: stt.SpeechStream, pcm: Samples) -> float:
    """Push 10 ms frames in real time; return the loop's time at which the first sample left."""
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    for start in range(0, len(pcm) - 159, 160):
        stream.push_frame(rtc.AudioFrame(pcm[start : start + 160].tobytes(), 16000, 1, 160))
        await asyncio.sleep(max(0.0, begun_s + (start + 160) / 16000 - loop.time()))
    return begun_s


@asynccontextmanager
async def transcriber(url: str, key: str = "sim") -> AsyncGenerator[plugin.STT]:
    async with aiohttp.ClientSession() as session:
        yield plugin.STT(api_key=key, base_url=url, http_session=session)


@asynccontextmanager
async def listening(url: str) -> AsyncGenerator[Heard]:
    async with transcriber(url) as recogniser:
        heard = Heard(recogniser.stream(conn_options=ONCE))
        listener = asyncio.create_task(heard.listen())
        try:
            yield heard
        finally:
            listener.cancel()
            await asyncio.gather(listener, return_exceptions=True)
            await heard.stream.aclose()


async def test_plugin_hears_interims_then_the_final() -> None:
    """Words appear one by one, each after its lag; the final comes after the endpoint wait and the final latency."""
    latency: SonioxLatency = fixed_profile().soniox
    recording = load_speech()["opening_hours"]
    async with simulator(latency) as (_, url), listening(url) as heard:
        begun_s = await play(heard.stream, spoken("opening_hours", before_ms=BEFORE_MS, after_ms=1100))
        await heard.until(END)
        interims = list(dict.fromkeys(heard.texts(INTERIM)))
        assert interims == [
            "What",
            "What are",
            "What are your",
            "What are your opening",
            "What are your opening hours?",
        ]
        assert heard.texts(FINAL) == ["What are your opening hours?"]
        spoken_s = begun_s + (BEFORE_MS + recording.words[-1].end_ms) / 1000
        assert heard.first_s(INTERIM, recording.text) - spoken_s > 0.12
        assert heard.first_s(FINAL, recording.text) - spoken_s > 0.80
        assert [kind for _, kind, _ in heard.events if kind in (BEGIN, FINAL, END)] == [BEGIN, FINAL, END]
        assert heard.audio_s > 1.5


async def test_plugin_gets_the_final_sooner_by_finalize() -> None:
    """A `finalize` in the audio queue gives the final before the endpoint's wait is over."""
    async with simulator() as (soniox, url), listening(url) as heard:
        await play(heard.stream, spoken("time", before_ms=BEFORE_MS, after_ms=150))
        assert isinstance(heard.stream, SpeechStream)
        heard.stream.audio_queue.put_nowait('{"type":"finalize"}')
        await heard.until(END)
        assert heard.texts(FINAL) == ["What time is it?"]
        assert (soniox.stats.finalizes, soniox.stats.endpoints) == (1, 0)


async def test_plugin_hears_arabic_with_its_language() -> None:
    """Arabic words come with the language that the recording has."""
    async with simulator() as (_, url), transcriber(url) as recogniser:
        stream = recogniser.stream(conn_options=ONCE)
        await play(stream, spoken("arabic_hours", before_ms=BEFORE_MS, after_ms=900))
        async with asyncio.timeout(10):
            async for event in stream:
                if event.type is FINAL:
                    assert event.alternatives[0].text == load_speech()["arabic_hours"].text
                    assert event.alternatives[0].language == "ar"
                    break
        await stream.aclose()


async def test_plugin_is_told_of_a_wrong_key() -> None:
    """A key that is not taken surfaces as the plugin's status error with 401."""
    async with simulator() as (_, url), transcriber(url, key="wrong") as recogniser:
        stream = recogniser.stream(conn_options=ONCE)
        with pytest.raises(APIStatusError) as error:
            await asyncio.wait_for(anext(stream), timeout=10)
        assert error.value.status_code == 401
        await stream.aclose()


async def test_plugin_comes_back_after_a_dropped_connection() -> None:
    """The plugin reconnects after a cut, and what is said then is heard."""
    async with simulator(QUICK, faults=SonioxFaults(drop_after_s=0.2)) as (soniox, url), listening(url) as heard:
        await play(heard.stream, silence(100))
        soniox.faults = SonioxFaults()
        while soniox.stats.streams < 2:  # The reconnect is the plugin's: nothing tells of it.
            await play(heard.stream, silence(50))
        await play(heard.stream, spoken("hello", after_ms=900))
        await heard.until(FINAL)
        assert heard.texts(FINAL) == ["Hello."]


async def test_four_callers_at_once_are_kept_apart() -> None:
    """Streams share a phrasebook, not a state: each caller gets the own words."""
    names = ("hello", "goodbye", "time", "yes_please")

    async def call(url: str, name: str) -> list[str]:
        async with listening(url) as heard:
            await play(heard.stream, spoken(name, after_ms=900))
            await heard.until(FINAL)
            return heard.texts(FINAL)

    async with simulator() as (soniox, url):
        results = await asyncio.gather(*(call(url, name) for name in names))
        assert results == [[load_speech()[name].text] for name in names]
    assert soniox.stats.open_streams == 0
