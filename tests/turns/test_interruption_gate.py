"""Which sounds over the agent's voice are interruptions: the recordings, at several levels and places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from livekit.agents import vad

from sim.speech.library import RATE_HZ, load_speech
from turns.interruption_gate import HOLD_AT_S, LONG_S, Hearing, InterruptionGate
from turns.profiles import PROFILES
from turns.vad import VadFactory
from utils.audio import Pcm, to_frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sim.speech.library import SpokenWord

FRAME_MS = 10
LEAD_MS = 1000
LAG_MS = 150
"""Of a recogniser's word, after its end."""
MIN_DURATION_S = 0.28
STOP_MS = 250
"""A silence from which on a reply sounds interrupted."""
BACKCHANNELS = ("mm_hm", "uh_huh", "yeah", "right")
NOISES = ("cough", "cough_2", "clap", "knock", "traffic", "music")
PLACES = [(gain, offset_ms) for gain in (1.0, 0.3) for offset_ms in (0, 11, 21)]
"""A window of the detector begins anywhere in a sound."""


@pytest.fixture(scope="module")
def factory() -> VadFactory:
    return VadFactory(PROFILES["fast"])


@dataclass
class Step:
    at_ms: float
    """Since the recording's first audible sample."""
    hearing: Hearing


async def listen(
    factory: VadFactory, pcm: Pcm, gate: InterruptionGate, words: Sequence[SpokenWord] = (), first_ms: float = LEAD_MS
) -> list[Step]:
    """What the gate says to `pcm` and when, every change of it; `words` are shown LAG_MS late."""
    stream = factory.make().stream()
    for frame in to_frames(pcm, RATE_HZ, frame_ms=32):
        stream.push_frame(frame)
    stream.end_input()
    edges = [
        (event.timestamp * 1000, event.type)
        async for event in stream
        if event.type in (vad.VADEventType.START_OF_SPEECH, vad.VADEventType.END_OF_SPEECH)
    ]
    await stream.aclose()
    steps: list[Step] = []
    for number, frame in enumerate(to_frames(pcm, RATE_HZ, frame_ms=FRAME_MS), 1):
        now_ms, before = number * FRAME_MS, gate.hearing
        said = " ".join(word.text for word in words if LEAD_MS + word.end_ms + LAG_MS <= now_ms)
        if said:
            gate.said(said)
        gate.frame(np.frombuffer(frame.data, dtype=np.int16), RATE_HZ)
        while edges and edges[0][0] <= now_ms:
            _, kind = edges.pop(0)
            gate.begins() if kind is vad.VADEventType.START_OF_SPEECH else gate.ends()
        if gate.hearing is not before:
            steps.append(Step(now_ms - first_ms, gate.hearing))
    return steps


def over_noise(pcm: Pcm, gain: float, offset_ms: int) -> tuple[Pcm, float]:
    """On a line with a faint hiss, and when its first audible sample is there."""
    before, behind = RATE_HZ * (LEAD_MS + offset_ms) // 1000, RATE_HZ
    line = np.random.default_rng(1).normal(0, 6, before + len(pcm) + behind)
    line[before : before + len(pcm)] += gain * pcm
    first = int(np.flatnonzero(np.abs(pcm) > 180)[0])
    return line.astype(np.int16), (before + first) * 1000 / RATE_HZ


def holes_ms(steps: Sequence[Step]) -> list[float]:
    """How long the agent was held, each time."""
    holes: list[float] = []
    held_at: float | None = None
    for step in steps:
        if step.hearing is Hearing.HELD:
            held_at = step.at_ms
        elif held_at is not None:
            holes.append(step.at_ms - held_at)
            held_at = None
    return holes


def verdicts(steps: Sequence[Step]) -> list[Hearing]:
    """From the hold to the first time that the gate is open."""
    hearings = [step.hearing for step in steps]
    if hearings[:1] == [Hearing.HIDDEN]:  # while the sound is too young for a hold
        del hearings[0]
    return hearings[: hearings.index(Hearing.OPEN) + 1]


def gate_for(*, speaking: bool = True, min_duration_s: float = MIN_DURATION_S, min_words: int = 0) -> InterruptionGate:
    return InterruptionGate(lambda: speaking, min_duration_s=min_duration_s, min_words=min_words)


@pytest.mark.parametrize("name", BACKCHANNELS)
async def test_a_backchannel_is_hardly_noticed(factory: VadFactory, name: str) -> None:
    """The agent goes on before its silence is heard as a stop, and the framework hears nothing of it."""
    recording = load_speech()[name]
    for gain, offset_ms in PLACES:
        pcm, first_ms = over_noise(recording.pcm, gain, offset_ms)
        gate = gate_for()
        holes = holes_ms(await listen(factory, pcm, gate, recording.words, first_ms))
        assert all(hole < STOP_MS for hole in holes), (gain, offset_ms, holes)
        assert (gate.counts.opened, gate.counts.held) == (0, gate.counts.released)


@pytest.mark.parametrize("name", NOISES)
async def test_a_noise_is_hardly_noticed(factory: VadFactory, name: str) -> None:
    """Coughs, knocks, a street, music: most of them not at all."""
    for gain, offset_ms in PLACES[::2]:
        pcm, first_ms = over_noise(load_speech()[name].pcm[: 4 * RATE_HZ], gain, offset_ms)
        gate = gate_for()
        holes = holes_ms(await listen(factory, pcm, gate, (), first_ms))
        assert all(hole < STOP_MS for hole in holes), (gain, offset_ms, holes)
        assert gate.counts.opened == 0


@pytest.mark.parametrize(
    "name", ["wait_stop", "opening_hours", "book_table", "spell_name", "pause_300", "arabic_hours"]
)
async def test_an_interruption_holds_the_agent_until_its_words_are_there(factory: VadFactory, name: str) -> None:
    """Held after an eighth of a second of sound, and not let go."""
    recording = load_speech()[name]
    pcm, first_ms = over_noise(recording.pcm, 1.0, 7)
    gate = gate_for()
    steps = await listen(factory, pcm, gate, recording.words, first_ms)
    assert verdicts(steps) == [Hearing.HELD, Hearing.OPEN]
    held_ms = next(step.at_ms for step in steps if step.hearing is Hearing.HELD)
    assert HOLD_AT_S * 1000 - FRAME_MS <= held_ms <= 150


async def test_a_short_word_interrupts_when_it_is_known(factory: VadFactory) -> None:
    """ "No, thank you." begins as a backchannel does: the agent goes on for a moment, then stops for the word."""
    recording = load_speech()["no_thanks"]
    pcm, first_ms = over_noise(recording.pcm, 1.0, 0)
    steps = await listen(factory, pcm, gate_for(), recording.words, first_ms)
    assert verdicts(steps) == [Hearing.HELD, Hearing.HIDDEN, Hearing.OPEN]


async def test_a_backchannel_longer_than_the_least_is_let_go_by_its_words(factory: VadFactory) -> None:
    """With a least of 0.1 s "okay" holds the agent until its word is known; the framework does not hear it."""
    recording = load_speech()["okay"]
    pcm, first_ms = over_noise(recording.pcm, 1.0, 0)
    gate = gate_for(min_duration_s=0.1)
    steps = await listen(factory, pcm, gate, recording.words, first_ms)
    assert verdicts(steps) == [Hearing.HELD, Hearing.HIDDEN, Hearing.OPEN]
    assert (gate.counts.opened, gate.counts.released) == (0, 1)


async def test_a_backchannel_with_more_behind_it_interrupts(factory: VadFactory) -> None:
    """ "Okay" was let go; the question behind it opens the gate at its first word."""
    okay, question = load_speech()["okay"], load_speech()["time"]
    gap = np.zeros(RATE_HZ // 10, dtype=np.int16)
    pcm, first_ms = over_noise(np.concatenate([okay.pcm, gap, question.pcm]), 1.0, 0)
    behind_ms = okay.duration_ms + 100
    words = [*okay.words, *(type(w)(w.text, w.start_ms + behind_ms, w.end_ms + behind_ms) for w in question.words)]
    gate = gate_for()
    await listen(factory, pcm, gate, words, first_ms)
    assert gate.counts.opened == 1


async def test_everything_passes_when_the_agent_is_silent(factory: VadFactory) -> None:
    """ "Yeah" is an answer then, and a cough is the framework's to judge."""
    for name in ("yeah", "cough_2"):
        pcm, first_ms = over_noise(load_speech()[name].pcm, 1.0, 0)
        assert await listen(factory, pcm, gate_for(speaking=False), (), first_ms) == []


async def test_words_alone_decide_where_words_are_asked_for(factory: VadFactory) -> None:
    """With min_words 2 no sound holds the agent; the second word interrupts."""
    recording = load_speech()["opening_hours"]
    pcm, first_ms = over_noise(recording.pcm, 1.0, 0)
    steps = await listen(factory, pcm, gate_for(min_words=2), recording.words, first_ms)
    assert [step.hearing for step in steps[:2]] == [Hearing.HIDDEN, Hearing.OPEN]
    assert steps[1].at_ms >= recording.words[1].end_ms


def tone(ms: int) -> Pcm:
    time_s = np.arange(RATE_HZ * ms // 1000) / RATE_HZ
    voice = np.sum([np.sin(2 * np.pi * 150 * k * time_s) / k for k in range(1, 20)], axis=0)
    return (3000 * voice).astype(np.int16)


def feed(gate: InterruptionGate, pcm: Pcm) -> list[Hearing]:
    return [
        gate.frame(np.frombuffer(frame.data, dtype=np.int16), RATE_HZ) for frame in to_frames(pcm, RATE_HZ, frame_ms=10)
    ]


def test_a_sound_without_words_is_the_frameworks_in_the_end() -> None:
    """A recogniser that is away must not make the caller unable to interrupt."""
    gate = gate_for()
    feed(gate, np.zeros(RATE_HZ // 2, dtype=np.int16))
    feed(gate, tone(100))
    gate.begins()
    hearings = feed(gate, tone(int(LONG_S * 1000) + 100))
    assert hearings[1] is Hearing.HELD
    assert hearings[-1] is Hearing.OPEN


def test_the_agents_end_opens_the_gate() -> None:
    """What began over the agent's last word and goes on is heard from there."""
    speaking = True
    gate = InterruptionGate(lambda: speaking, min_duration_s=0.3)
    feed(gate, np.zeros(RATE_HZ // 2, dtype=np.int16))
    feed(gate, tone(200))
    assert gate.begins() is Hearing.HELD
    speaking = False
    assert feed(gate, tone(10)) == [Hearing.OPEN]
    assert gate.counts.opened == 0


def test_words_of_a_sound_that_is_over_do_not_count_for_the_next() -> None:
    """They have had their verdict."""
    gate = gate_for()
    feed(gate, np.zeros(RATE_HZ // 2, dtype=np.int16))
    gate.said("Wait")
    feed(gate, tone(200))
    assert gate.begins() is Hearing.HELD
    assert feed(gate, tone(10)) == [Hearing.HELD]


@pytest.mark.parametrize(("name", "value"), [("min_duration_s", -0.1), ("min_words", -1)])
def test_a_negative_limit_is_refused(name: str, value: float) -> None:
    """The message names it."""
    with pytest.raises(ValueError, match=f"{name}: must be >= 0, got {value}"):
        InterruptionGate(lambda: True, **{"min_duration_s": 0.3, name: value})  # pyright: ignore[reportArgumentType]  # either type
