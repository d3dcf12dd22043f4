"""Quiet by level: recorded voices, noise under them, clicks, and what a frame costs."""

from __future__ import annotations

import time
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from livekit import rtc

from sim.speech.library import load_speech
from turns.quiet_gate import QuietGate

if TYPE_CHECKING:
    from utils.audio import Pcm

RATE_HZ = 16_000
FRAME = 160
SENTENCES = ["opening_hours", "book_table", "who_are_you", "help", "open_sunday", "spell_name", "arabic_hours"]


def silence(ms: int) -> Pcm:
    return np.zeros(RATE_HZ * ms // 1000, dtype=np.int16)


def noisy(pcm: Pcm, rms: float) -> Pcm:
    hiss = np.random.default_rng(3).normal(0, rms, len(pcm))
    return np.clip(pcm + hiss, -32768, 32767).astype(np.int16)


def listened(gate: QuietGate, pcm: Pcm, *, frame: int = FRAME) -> list[float]:
    """`quiet_s` after each frame."""
    told: list[float] = []
    for start in range(0, len(pcm) - frame + 1, frame):
        gate.push(rtc.AudioFrame(pcm[start : start + frame].tobytes(), RATE_HZ, 1, frame))
        told.append(gate.quiet_s)
    return told


def last_sound_ms(told: list[float], *, frame_ms: int = 10) -> int:
    """The end of the last frame that was not quiet."""
    return (max(i for i, quiet_s in enumerate(told) if quiet_s == 0) + 1) * frame_ms


@pytest.mark.parametrize("name", SENTENCES)
@pytest.mark.parametrize("noise_rms", [2.0, 150.0])
def test_the_silence_behind_a_sentence_is_counted_from_its_end(name: str, noise_rms: float) -> None:
    """To within 100 ms of the last audible sample, also where the line hisses; it counts on from there."""
    recording = load_speech()[name]
    told = listened(QuietGate(), noisy(np.concatenate([silence(700), recording.pcm, silence(700)]), noise_rms))
    assert abs(last_sound_ms(told) - 700 - recording.speech_end_ms) <= 100
    assert told[-1] == pytest.approx(len(told) / 100 - last_sound_ms(told) / 1000)


@pytest.mark.parametrize(("name", "pause_ms"), [("pause_300", (1028, 1330)), ("pause_500", (1054, 1555))])
def test_a_pause_in_a_sentence_is_quiet_and_over_with_the_next_word(name: str, pause_ms: tuple[int, int]) -> None:
    """A speculation may begin there; that it is not begun in each word is what the next test is about."""
    told = listened(QuietGate(), load_speech()[name].pcm)
    begin, end = pause_ms
    assert told[end // 10 - 5] >= (end - begin) / 1000 - 0.15
    assert told[end // 10 + 8] == 0.0


@pytest.mark.parametrize("noise_rms", [2.0, 60.0])
def test_soft_syllables_are_not_the_end(noise_rms: float) -> None:
    """Within the recorded sentences there is about one pause of 110 ms each to this gate, most of them real."""
    ends, sentences = 0, 0
    for recording in load_speech().values():
        if recording.words:
            sentences += 1
            told = listened(QuietGate(), noisy(np.concatenate([silence(500), recording.pcm]), noise_rms))
            inside = told[: 50 + int(recording.speech_end_ms) // 10]
            ends += sum(before < 0.11 - 1e-9 <= now + 1e-9 for before, now in pairwise(inside))
    assert ends <= 1.1 * sentences


def test_before_the_first_sound_nothing_is_quiet() -> None:
    """Silence alone is not the end of anything, nor is the hiss of the line."""
    assert max(listened(QuietGate(), silence(3000))) == 0
    assert max(listened(QuietGate(), noisy(silence(3000), 20.0))) == 0


def test_a_click_does_not_break_the_silence() -> None:
    """10 ms at full level are a click; 60 ms are a caller."""
    word, loud = load_speech()["hello"].pcm, np.full(FRAME, 20_000, dtype=np.int16)
    click = listened(QuietGate(), np.concatenate([word, silence(400), loud[:80], silence(400)]))
    assert last_sound_ms(click) <= len(word) // 16 + 10
    burst = listened(QuietGate(), np.concatenate([word, silence(400), *[loud] * 6, silence(400)]))
    assert last_sound_ms(burst) >= len(word) // 16 + 450


def test_noise_that_begins_in_the_call_is_learned() -> None:
    """A fan goes on, 20 dB below the voice: after a few seconds the end of a sentence is found again."""
    word = load_speech()["opening_hours"].pcm
    pcm = np.concatenate([word, silence(300), noisy(np.concatenate([silence(3000), word, silence(600)]), 300.0)])
    assert listened(QuietGate(), pcm)[-1] >= 0.5


def test_a_softer_voice_is_heard_behind_a_loud_one() -> None:
    """The peak is forgotten within a second or two: 20 dB less is speech again."""
    word = load_speech()["opening_hours"].pcm
    softer = (word * 0.1).astype(np.int16)
    told = listened(QuietGate(), np.concatenate([word, silence(1000), softer, silence(200)]))
    heard = told[len(word) // FRAME + 100 : len(word) // FRAME + 100 + len(word) // FRAME]
    assert min(heard) == 0
    assert max(heard[40:]) < 0.5


def test_frames_of_50_ms_and_empty_ones_are_taken() -> None:
    """Only more coarsely: the end to within a frame."""
    recording = load_speech()["opening_hours"]
    gate = QuietGate()
    told = listened(gate, np.concatenate([silence(500), recording.pcm, silence(700)]), frame=800)
    assert abs(last_sound_ms(told, frame_ms=50) - 500 - recording.speech_end_ms) <= 110
    before_s = gate.quiet_s
    gate.push(rtc.AudioFrame(b"", RATE_HZ, 1, 0))
    assert gate.quiet_s == before_s


def test_a_frame_costs_next_to_nothing() -> None:
    """100 frames a second and caller: 25 µs each at the most, on a busy machine too."""
    gate = QuietGate()
    frame = rtc.AudioFrame(noisy(silence(10), 1000.0).tobytes(), RATE_HZ, 1, FRAME)
    begin_s = time.thread_time()
    for _ in range(6000):
        gate.push(frame)
    assert time.thread_time() - begin_s < 0.15
