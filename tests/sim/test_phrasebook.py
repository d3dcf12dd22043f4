"""The phrasebook knows each recording through a codec, a change of gain, noise and any offset."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import av
import numpy as np
import pytest

from sim.ears.phrasebook import Phrasebook, PhrasebookEars
from sim.ears.utterance import Verdict
from sim.speech.library import load_speech
from tests.sim.soniox_harness import phrasebook, silence, spoken

if TYPE_CHECKING:
    from sim.ears.base import Samples

NAMES = sorted(load_speech())


def through_opus(pcm: Samples) -> Samples:
    """48 kHz Opus at 24 kbit/s in 20 ms packets, as WebRTC sends it, and back to 16 kHz."""
    up, down = av.AudioResampler("s16", "mono", 48000, 960), av.AudioResampler("s16", "mono", 16000)
    encoder = cast("Any", av.CodecContext.create("libopus", "w"))
    encoder.sample_rate, encoder.layout, encoder.format = 48000, "mono", "s16"
    encoder.bit_rate, encoder.time_base = 24000, Fraction(1, 48000)
    encoder.options = {"application": "voip"}
    decoder = cast("Any", av.CodecContext.create("libopus", "r"))
    decoder.sample_rate, decoder.layout = 48000, "mono"
    frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
    frame.sample_rate = 16000
    heard: list[Samples] = []
    packets = [packet for part in [*up.resample(frame), *up.resample(None)] for packet in encoder.encode(part)]
    for packet in packets:
        for decoded in decoder.decode(packet):
            for part in down.resample(decoded):
                heard.append(np.asarray(part.to_ndarray()[0], np.int16))  # noqa: PERF401 - three levels deep
    return np.concatenate(heard)


def degrade(pcm: Samples, gain: float, noise: float, offset: int, seed: int) -> Samples:
    rng = np.random.default_rng(seed)
    louder = np.concatenate([np.zeros(offset), pcm * gain])
    return np.clip(louder + rng.standard_normal(len(louder)) * noise, -32768, 32767).astype(np.int16)


def listen(ears: PhrasebookEars, pcm: Samples) -> list[list[str]]:
    """Every different hypothesis in its order."""
    history: list[list[str]] = [[]]
    for start in range(0, len(pcm), 160):
        ears.feed(pcm[start : start + 160])
        words = [word.text for word in ears.words()]
        if words != history[-1]:
            history.append(words)
    return history


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("gain", "noise", "offset"), [(1.0, 3, 77), (0.3, 20, 123), (0.1, 15, 31), (1.5, 150, 301)])
def test_every_recording_is_known_through_opus(name: str, gain: float, noise: float, offset: int) -> None:
    """Exactly its words, one after the other, with times within 40 ms, and never a wrong one."""
    recording = load_speech()[name]
    ears = phrasebook().ears()
    history = listen(ears, through_opus(degrade(spoken(name, before_ms=500), gain, noise, offset, seed=1)))
    texts = [word.text for word in recording.words]
    assert history[-1] == texts
    assert all(words == texts[: len(words)] for words in history)
    begun_ms = 500 + offset / 16
    for word, said in zip(ears.words(), recording.words, strict=True):
        assert word.end_ms - begun_ms == pytest.approx(said.end_ms, abs=40)
        assert word.language == recording.language


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("moved_ms", [-80, -40, 40, 80])
def test_a_jump_of_the_jitter_buffer_is_survived(name: str, moved_ms: int) -> None:
    """What is lost or inserted in the middle does not change what is understood."""
    pcm = spoken(name)
    middle = len(pcm) // 2
    first, second = pcm[:middle], pcm[middle:]
    first = first[: moved_ms * 16] if moved_ms < 0 else np.concatenate([first, silence(moved_ms)])
    ears = phrasebook().ears()
    history = listen(ears, np.concatenate([first, second]))
    assert history[-1] == [word.text for word in load_speech()[name].words]


def test_a_jump_leaves_the_words_before_it_alone() -> None:
    """Words that were said keep their times, whatever the rest of the sentence does to the alignment."""
    pcm = spoken("book_table")
    middle = 1400 * 16
    ears = phrasebook().ears()
    listen(ears, pcm[:middle])
    told = [(word.text, word.start_ms) for word in ears.words()]
    listen(ears, np.concatenate([silence(80), pcm[middle:]]))
    assert len(told) >= 4
    assert [(word.text, word.start_ms) for word in ears.words()][: len(told)] == told


def test_several_phrases_in_one_stream() -> None:
    """Words go on counting in stream time; the order of phrases does not matter."""
    names = ["time", "cough", "pause_500", "hello", "mm_hm", "time"]
    ears = phrasebook().ears()
    listen(ears, np.concatenate([spoken(name) for name in names]))
    expected = [word.text for name in names for word in load_speech()[name].words]
    words = ears.words()
    assert [word.text for word in words] == expected
    assert all(a.end_ms <= b.start_ms for a, b in itertools.pairwise(words))


def test_unknown_sound_has_no_words() -> None:
    """A phrase outside the book, noise bursts and a tone end as unknown, without a word."""
    small = Phrasebook([load_speech()["opening_hours"], load_speech()["cancel"]])
    rng = np.random.default_rng(2)
    burst = np.concatenate([silence(500), (rng.standard_normal(12000) * 4000).astype(np.int16), silence(800)])
    tone = np.concatenate([silence(500), (np.sin(np.arange(16000) * 0.2) * 6000).astype(np.int16), silence(800)])
    for pcm in (spoken("person", before_ms=500), spoken("phone_number", before_ms=500), burst, tone):
        ears = small.ears()
        assert listen(ears, pcm)[-1] == []
        assert ears.verdict_at(700) is Verdict.UNKNOWN


def test_the_word_in_progress_ends_in_the_future() -> None:
    """A word that is being spoken is told with its end after the audio heard so far."""
    recording = load_speech()["opening_hours"]
    word = recording.words[3]
    pcm = spoken("opening_hours")[: int((300 + (word.start_ms + word.end_ms) / 2) * 16)]
    ears = phrasebook().ears()
    listen(ears, pcm)
    assert ears.words()[-1].text == "opening"
    assert ears.words()[-1].end_ms > ears.activity.heard_ms


def test_the_same_audio_gives_the_same_words() -> None:
    """Deterministic: blocks of any size, the same words at the same times."""
    pcm = degrade(spoken("book_table"), 0.8, 30, 55, seed=9)
    results: list[object] = []
    for block in (160, 480, 800, 7777):
        ears = phrasebook().ears()
        for start in range(0, len(pcm), block):
            ears.feed(pcm[start : start + block])
        results.append(list(ears.words()))
    assert all(result == results[0] for result in results)


def test_what_is_forgotten_is_gone() -> None:
    """`forget` drops finished phrases before a time and keeps later ones."""
    ears = phrasebook().ears()
    listen(ears, np.concatenate([spoken("hello"), spoken("time")]))
    ears.forget(len(spoken("hello")) / 16 + 500)
    assert [word.text for word in ears.words()] == ["What", "time", "is", "it?"]


def test_an_empty_phrasebook_is_refused() -> None:
    """At least one recording is needed."""
    with pytest.raises(ValueError, match="at least one"):
        Phrasebook([])
