"""Soniox told to finalize: through the real plugin against the simulator, and the limit by itself."""

from __future__ import annotations

import asyncio
import inspect
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions
from livekit.agents.stt import SpeechEventType, SpeechStream
from livekit.plugins.soniox import stt as plugin

from sim.latency import fixed_profile
from sim.speech.library import load_speech
from tests.sim.soniox_harness import simulator, spoken
from turns.finalizing_stt import LEAST_APART_S, MOST, MOST_WITHIN_S, FinalizeBudget, FinalizingSTT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sim.ears.base import Samples

FINAL = SpeechEventType.FINAL_TRANSCRIPT


@asynccontextmanager
async def stream_to(url: str) -> AsyncGenerator[SpeechStream]:
    async with aiohttp.ClientSession() as session:
        recogniser = FinalizingSTT(api_key="sim", base_url=url, http_session=session)
        stream = recogniser.stream(conn_options=APIConnectOptions(max_retry=0))
        try:
            yield stream
        finally:
            await stream.aclose()


def push(stream: SpeechStream, pcm: Samples) -> None:
    """As fast as it goes."""
    for start in range(0, len(pcm) - 159, 160):
        stream.push_frame(rtc.AudioFrame(pcm[start : start + 160].tobytes(), 16000, 1, 160))


async def final_text(stream: SpeechStream) -> str:
    async with asyncio.timeout(10):
        async for event in stream:
            if event.type is FINAL:
                return event.alternatives[0].text
    raise AssertionError("the stream ended without a final transcript")


async def test_a_flush_brings_the_final_words_before_the_endpoint() -> None:
    """The simulator's endpoint waits for 600 ms of silence and gets 250: only `finalize` can have done it."""
    recording = load_speech()["opening_hours"]
    async with simulator(fixed_profile().soniox) as (soniox, url), stream_to(url) as stream:
        push(stream, spoken("opening_hours", after_ms=250))
        stream.flush()
        assert await final_text(stream) == recording.text
        assert (soniox.stats.finalizes, soniox.stats.endpoints) == (1, 0)


async def test_all_that_was_pushed_before_the_flush_is_in_the_final_words() -> None:
    """`finalize` overtakes no audio: the sentence is whole although all of it still waits in this process."""
    async with simulator() as (_, url), stream_to(url) as stream:
        await asyncio.sleep(0.1)
        push(stream, spoken("book_table", after_ms=250))
        stream.flush()
        assert await final_text(stream) == load_speech()["book_table"].text


async def test_a_vad_that_flutters_sends_one_finalize() -> None:
    """Flushes in a row are one; Soniox's own endpoint is still there for the rest."""
    async with simulator() as (soniox, url), stream_to(url) as stream:
        push(stream, spoken("hello", after_ms=300))
        for _ in range(5):
            stream.flush()
        assert await final_text(stream) == "Hello."
        push(stream, spoken("goodbye", after_ms=1000))
        assert await final_text(stream) == load_speech()["goodbye"].text
        assert (soniox.stats.finalizes, soniox.stats.endpoints) == (1, 1)


@pytest.mark.parametrize(
    ("gaps_s", "allowed"),
    [
        ([0.0] * 3, 1),
        ([LEAST_APART_S] * 3, 4),
        ([LEAST_APART_S] * (MOST + 5), MOST),
        ([MOST_WITHIN_S / MOST] * (MOST + 5), MOST + 6),
    ],
)
def test_the_budget_counts_in_its_own_time(gaps_s: list[float], allowed: int) -> None:
    """Apart, and not too many within the window; what has left the window is free again."""
    now_s = 100.0
    budget = FinalizeBudget(lambda: now_s)
    taken = int(budget.take())
    for gap_s in gaps_s:
        now_s += gap_s + 1e-9
        taken += budget.take()
    assert taken == allowed


def test_the_framework_is_told_that_a_flush_means_something() -> None:
    """It sends none to an STT without that capability."""
    assert FinalizingSTT(api_key="sim").capabilities.manual_flush


def test_the_plugin_moves_its_audio_in_the_method_that_is_replaced() -> None:
    """Read from livekit-plugins-soniox 1.8.9, `SpeechStream`: look at turns/finalizing_stt.py if it changed."""
    stream: Any = plugin.SpeechStream
    source = inspect.getsource(stream._prepare_audio_task)
    for part in ("async for data in self._input_ch", "self.audio_queue.put_nowait(pcm_data)"):
        assert part in source, f"livekit-plugins-soniox: _prepare_audio_task no longer has {part!r}"
    assert "self._prepare_audio_task()" in inspect.getsource(stream._run)
    assert "send_str(data)" in inspect.getsource(stream._send_audio_task)
