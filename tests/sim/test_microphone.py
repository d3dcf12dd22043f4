from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
import pytest_asyncio
from livekit import rtc

from sim.microphone import QUEUE_MS, Microphone, resample
from sim.publisher import tone
from sim.waveform import audible_spans

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

RATE = 16_000
LIMIT_S = 20.0


@contextlib.asynccontextmanager
async def running(microphone: Microphone) -> AsyncGenerator[Microphone]:
    task = asyncio.create_task(microphone.run())
    try:
        async with asyncio.timeout(LIMIT_S):
            await microphone.steady()
        yield microphone
    finally:
        task.cancel()
        await asyncio.wait([task])


@pytest_asyncio.fixture
async def microphone() -> AsyncIterator[Microphone]:
    async with running(Microphone(RATE)) as microphone:
        yield microphone


async def test_silence_flows_without_speech(microphone: Microphone) -> None:
    """It sends as many samples as time passes, with nothing said."""
    before, began_at = microphone.sent_samples, time.perf_counter()
    await asyncio.sleep(1.0)
    sent_s = (microphone.sent_samples - before) / RATE
    assert sent_s == pytest.approx(time.perf_counter() - began_at, abs=QUEUE_MS / 1000)


async def test_speech_takes_its_own_length(microphone: Microphone) -> None:
    """From the first to the last sample passes exactly the length of the speech; `say` returns after the last."""
    pcm = np.concatenate((np.zeros(RATE // 10, np.int16), tone(200, RATE), np.zeros(RATE // 10, np.int16)))
    called_at = time.perf_counter()
    spoken = await microphone.say(pcm, RATE)
    assert spoken.first_sample_at >= called_at
    assert spoken.first_audible_sample_at - spoken.first_sample_at == pytest.approx(0.1, abs=0.001)
    assert spoken.last_audible_sample_at - spoken.first_audible_sample_at == pytest.approx(0.2, abs=0.001)
    assert spoken.last_audible_sample_at + 0.1 <= time.perf_counter() + 0.001


async def test_second_speech_follows_the_first(microphone: Microphone) -> None:
    """Two that are said at once leave one after the other, without a gap and without overlap."""
    first, second = await asyncio.gather(microphone.say(tone(130, RATE), RATE), microphone.say(tone(70, RATE), RATE))
    assert second.first_sample_at == pytest.approx(first.first_sample_at + 0.13, abs=0.005)


async def test_other_rate_keeps_its_length(microphone: Microphone) -> None:
    """Speech at 24 kHz leaves at the microphone's rate with the same duration."""
    spoken = await microphone.say(tone(300, 24_000), 24_000)
    assert spoken.last_audible_sample_at - spoken.first_audible_sample_at == pytest.approx(0.3, abs=0.005)


async def test_silent_speech_is_refused(microphone: Microphone) -> None:
    """Nothing audible cannot be timed: the error says how many samples there were."""
    with pytest.raises(ValueError, match="100 samples with none audible"):
        await microphone.say(np.zeros(100, np.int16), RATE)


async def test_speech_can_be_taken_back(microphone: Microphone) -> None:
    """A cancelled `say` stops speaking: the next speech does not wait for its rest."""
    long = asyncio.create_task(microphone.say(tone(60_000, RATE), RATE))
    await asyncio.sleep(0.3)
    long.cancel()
    async with asyncio.timeout(LIMIT_S):
        await microphone.say(tone(50, RATE), RATE)


async def test_stalled_loop_is_reported_and_dated_again(microphone: Microphone) -> None:
    """A loop that stands still longer than the queue tears what is being said, and only that."""
    torn = asyncio.create_task(microphone.say(tone(600, RATE), RATE))
    await asyncio.sleep(0.1)
    time.sleep(0.5)  # noqa: ASYNC251 -- the stall is what is tested
    assert (await torn).torn
    assert microphone.underruns == 1
    spoken = await microphone.say(tone(100, RATE), RATE)
    assert not spoken.torn
    assert spoken.last_audible_sample_at <= time.perf_counter()


async def test_clock_is_found_with_a_queue_that_is_fuller_than_it_knows() -> None:
    """A stall counts as time in which all of it may have left; the queue may be full all the same."""
    microphone = Microphone(RATE)
    samples = RATE * QUEUE_MS // 1000
    await microphone.source.capture_frame(rtc.AudioFrame(bytes(2 * samples), RATE, 1, samples))
    async with running(microphone):
        assert microphone.underruns == 0


async def test_end_of_the_microphone_ends_waiting_speech() -> None:
    """Who still waits to speak when the microphone ends is cancelled, not left waiting."""
    async with running(Microphone(RATE)) as microphone:
        waiting = asyncio.create_task(microphone.say(tone(10_000, RATE), RATE))
        await asyncio.sleep(0.3)
    await asyncio.wait([waiting], timeout=LIMIT_S)
    assert waiting.cancelled()


@pytest.mark.parametrize("from_hz", [8_000, 22_050, 24_000, 44_100, 48_000])
def test_resampling_keeps_place_and_length(from_hz: int) -> None:
    """At another rate the sound begins and ends at the same time, within a millisecond."""
    silence = np.zeros(from_hz // 10, np.int16)
    pcm = resample(np.concatenate((silence, tone(200, from_hz), silence)), from_hz, RATE)
    assert len(pcm) / RATE == pytest.approx(0.4, abs=0.002)
    (span,) = audible_spans(pcm, RATE)
    assert span.begin / RATE == pytest.approx(0.1, abs=0.002)
    assert (span.end or 0) / RATE == pytest.approx(0.3, abs=0.002)
