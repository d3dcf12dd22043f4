"""Voice activity: shared weights, separate detectors, and speech told from silence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from livekit.agents import vad

from sim.speech.library import load_speech
from turns.profiles import PROFILES
from turns.vad import SAMPLE_RATE_HZ, VadFactory
from utils.audio import Pcm, to_frames


@pytest.fixture(scope="module")
def factory() -> VadFactory:
    return VadFactory(PROFILES["fast"])


async def events(detector: vad.VAD, pcm: Pcm) -> list[vad.VADEvent]:
    """What the detector says about `pcm`, without its report of each window."""
    stream = detector.stream()
    for frame in to_frames(pcm, SAMPLE_RATE_HZ):
        stream.push_frame(frame)
    stream.end_input()
    found = [event async for event in stream if event.type is not vad.VADEventType.INFERENCE_DONE]
    await stream.aclose()
    return found


def silence(ms: int) -> Pcm:
    return np.zeros(SAMPLE_RATE_HZ * ms // 1000, dtype=np.int16)


@pytest.mark.parametrize("name", ["hello", "opening_hours"])
async def test_speech_is_heard_from_its_begin_to_its_end(factory: VadFactory, name: str) -> None:
    """One stretch of speech, of about the recording's length."""
    recording = load_speech()[name]
    found = await events(factory.make(), np.concatenate([silence(500), recording.pcm, silence(1500)]))
    assert [event.type for event in found] == [vad.VADEventType.START_OF_SPEECH, vad.VADEventType.END_OF_SPEECH]
    assert found[-1].silence_duration < 0.7


async def test_silence_is_not_speech(factory: VadFactory) -> None:
    """Neither nothing at all nor the faint noise of a quiet line."""
    noise = np.random.default_rng(1).normal(0, 15, SAMPLE_RATE_HZ * 2).astype(np.int16)
    assert await events(factory.make(), silence(2000)) == []
    assert await events(factory.make(), noise) == []


async def test_the_profiles_silence_decides_what_is_one_stretch(factory: VadFactory) -> None:
    """A pause of 500 ms ends speech where 250 ms of silence do, and not where 900 ms are asked for."""
    word = load_speech()["yes_please"].pcm
    pcm = np.concatenate([silence(300), word, silence(500), word, silence(1500)])
    patient = VadFactory(replace(PROFILES["fast"], vad_min_silence_s=0.9))
    counts = [
        sum(event.type is vad.VADEventType.START_OF_SPEECH for event in await events(each.make(), pcm))
        for each in (factory, patient)
    ]
    assert counts == [2, 1]


def test_detectors_share_the_weights(factory: VadFactory) -> None:
    """26 MB once a worker, however many calls it holds."""
    one, other = factory.make(), factory.make()
    assert one is not other
    assert one._onnx_session is other._onnx_session  # pyright: ignore[reportPrivateUsage]  # shown nowhere else


def test_detectors_do_not_share_handlers(factory: VadFactory) -> None:
    """A session hangs its handlers on its detector: another call must not be told."""
    one, other = factory.make(), factory.make()
    told: list[str] = []
    one.on("metrics_collected", lambda *_: told.append("one"))  # pyright: ignore[reportUnknownLambdaType]  # the emitter is untyped
    other.emit("metrics_collected", None)
    assert told == []
    one.emit("metrics_collected", None)
    assert told == ["one"]


def test_the_profile_reaches_the_detector() -> None:
    """Its silence and its threshold; speech ends below the threshold it began at."""
    profile = replace(PROFILES["steady"], vad_min_silence_s=0.77, vad_activation_threshold=0.9)
    options = VadFactory(profile).make()._opts  # pyright: ignore[reportPrivateUsage]  # shown nowhere else
    assert (options.min_silence_duration, options.activation_threshold) == (0.77, 0.9)
    assert options.deactivation_threshold < options.activation_threshold
    assert options.sample_rate == SAMPLE_RATE_HZ
