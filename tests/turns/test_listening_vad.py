"""The VAD behind its gate: what the framework is told, and when the agent's sound is held."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from livekit.agents import vad

from sim.speech.library import RATE_HZ, load_speech
from turns.interruption_gate import InterruptionGate
from turns.listening_vad import ListeningVAD
from turns.profiles import PROFILES
from turns.vad import VadFactory
from utils.audio import Pcm, to_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

START, END, WINDOW = (
    vad.VADEventType.START_OF_SPEECH,
    vad.VADEventType.END_OF_SPEECH,
    vad.VADEventType.INFERENCE_DONE,
)
FRAME_MS = 10
DONE_LIMIT_S = 20.0


@pytest.fixture(scope="module")
def factory() -> VadFactory:
    return VadFactory(PROFILES["fast"])


@dataclass
class Call:
    """A call's detector, whether its agent speaks, and what was done to the agent's sound."""

    factory: VadFactory
    speaking: bool = True
    done: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self.gate = InterruptionGate(lambda: self.speaking, min_duration_s=0.28)
        self.vad = ListeningVAD(
            self.factory.make(),
            self.gate,
            hold=lambda: self.done.append("hold"),
            release=lambda: self.done.append("release"),
        )

    async def hear(self, pcm: Pcm, at: Callable[[float], None] = lambda _: None) -> list[vad.VADEvent]:
        """All events for `pcm`; `at` is called after each frame with the ms so far. Each frame is judged by then."""
        stream = self.vad.stream()
        events: list[vad.VADEvent] = []

        async def read() -> None:
            async for event in stream:
                events.append(event)  # noqa: PERF401  # they are counted while they come

        reading = asyncio.create_task(read())
        windows = 0
        for number, frame in enumerate(to_frames(pcm, RATE_HZ, frame_ms=FRAME_MS), 1):
            stream.push_frame(frame)
            windows = int(number * FRAME_MS / 32)
            async with asyncio.timeout(DONE_LIMIT_S):
                while sum(event.type is WINDOW for event in events) < windows:
                    await asyncio.sleep(0)
            at(number * FRAME_MS)
        stream.end_input()
        await reading
        await stream.aclose()
        return events


def silence(ms: int) -> Pcm:
    return np.zeros(RATE_HZ * ms // 1000, dtype=np.int16)


def said(name: str) -> Pcm:
    return np.concatenate([silence(500), load_speech()[name].pcm, silence(800)])


def edges(events: Sequence[vad.VADEvent]) -> list[vad.VADEventType]:
    return [event.type for event in events if event.type is not WINDOW]


async def test_when_the_agent_is_silent_nothing_is_changed(factory: VadFactory) -> None:
    """The same events as without the gate, one by one; the agent's sound is left alone."""
    call = Call(factory, speaking=False)
    events = await call.hear(said("hello"))
    plain = factory.make().stream()
    for frame in to_frames(said("hello"), RATE_HZ, frame_ms=FRAME_MS):
        plain.push_frame(frame)
    plain.end_input()
    expected = [(event.type, event.speech_duration, event.speaking) async for event in plain]
    await plain.aclose()
    assert [(event.type, event.speech_duration, event.speaking) for event in events] == expected
    assert "hold" not in call.done


async def test_a_backchannel_is_hidden(factory: VadFactory) -> None:
    """No start, no end, all windows told as silence; the sound is held for a moment and let go."""
    call = Call(factory)
    events = await call.hear(said("yeah"))
    assert edges(events) == []
    assert events
    assert not any(event.speaking or event.speech_duration or event.raw_accumulated_speech for event in events)
    assert call.done[:2] == ["hold", "release"]


async def test_an_interruption_is_told_when_its_words_are_there(factory: VadFactory) -> None:
    """One start with all of the speech so far, a window that speaks right behind it, one end; held until then."""
    call = Call(factory)

    def words(at_ms: float) -> None:
        if at_ms >= 1100:
            call.gate.said("Wait")

    events = await call.hear(said("wait_stop"), words)
    assert edges(events) == [START, END]
    start = next(index for index, event in enumerate(events) if event.type is START)
    assert events[start].speech_duration > 0.3
    assert events[start].frames
    assert events[start + 1].speaking
    assert events[start + 1].speech_duration == events[start].speech_duration
    assert [event.timestamp for event in events] == sorted(event.timestamp for event in events)
    assert call.done[0] == "hold"
    assert call.done[-1] == "release"


async def test_the_agents_end_lets_the_caller_through(factory: VadFactory) -> None:
    """Speech over the agent's last word is told from the moment that the agent is silent."""
    call = Call(factory)

    def silent(at_ms: float) -> None:
        call.speaking = at_ms < 800

    assert edges(await call.hear(said("opening_hours"), silent)) == [START, END]


async def test_starts_and_ends_stay_in_pairs(factory: VadFactory) -> None:
    """Whatever is hidden and whatever is told, in one stream after the other."""
    call = Call(factory)
    pcm = np.concatenate([said(name) for name in ("yeah", "opening_hours", "uh_huh", "time", "cough_2", "hello")])

    def words(at_ms: float) -> None:
        if 2800 <= at_ms <= 3200 or at_ms > 9000:
            call.gate.said("What are")

    told = edges(await call.hear(pcm, words))
    assert told
    assert told == [START, END] * (len(told) // 2)
    assert call.done[-1] == "release"


async def test_a_closed_stream_holds_nothing(factory: VadFactory) -> None:
    """The framework may drop the stream in the middle of a hold, as at the change of an agent."""
    call = Call(factory)
    stream = call.vad.stream()
    for frame in to_frames(np.concatenate([silence(300), load_speech()["wait_stop"].pcm[:4800]]), RATE_HZ):
        stream.push_frame(frame)
    async with asyncio.timeout(DONE_LIMIT_S):
        while "hold" not in call.done:
            await asyncio.sleep(0.01)
    await stream.aclose()
    assert call.done[-1] == "release"


async def test_a_flush_forgets_the_sound(factory: VadFactory) -> None:
    """The framework has ended the segment by itself: nothing of it is told afterwards."""
    call = Call(factory, speaking=False)
    stream = call.vad.stream()
    for frame in to_frames(np.concatenate([silence(300), load_speech()["wait_stop"].pcm[:8000]]), RATE_HZ):
        stream.push_frame(frame)
    stream.flush()
    for frame in to_frames(silence(1000), RATE_HZ):
        stream.push_frame(frame)
    stream.end_input()
    events = [event async for event in stream]
    await stream.aclose()
    assert END not in edges(events)


def test_it_is_the_detector_behind_it(factory: VadFactory) -> None:
    """To reports and to the framework's own questions."""
    call = Call(factory)
    inner = call.vad.inner
    assert (call.vad.model, call.vad.provider, call.vad.capabilities) == (
        inner.model,
        inner.provider,
        inner.capabilities,
    )
    assert call.vad.min_silence_duration == PROFILES["fast"].vad_min_silence_s
