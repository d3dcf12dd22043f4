"""A pause is where it should be, as long as it should be, and the words are told at their new times."""

from __future__ import annotations

import itertools

import pytest

from bench.turns.corpus import Script, pause_scripts, recording, recordings
from bench.turns.pauses import paused, with_text
from sim.speech.library import RATE_HZ, load_speech
from sim.waveform import audible_spans

SCRIPTS = pause_scripts()


@pytest.mark.parametrize("script", SCRIPTS, ids=[each.recording for each in SCRIPTS])
def test_the_longest_silence_of_a_sentence_is_its_pause(script: Script) -> None:
    """To 60 ms, where the recording has none longer by itself: the quiet of a plosive."""
    spoken = recordings()[script.recording]
    word = int(script.recording.split(".")[1]) - 1
    end_ms, start_ms = spoken.words[word].end_ms, spoken.words[word + 1].start_ms
    spans = audible_spans(spoken.pcm, RATE_HZ)
    rests = [(a.end or 0, b.begin) for a, b in itertools.pairwise(spans)]
    begin, end = max(rests, key=lambda rest: min(rest[1], start_ms * 16) - max(rest[0], end_ms * 16))
    assert script.pause_ms is not None
    assert (end - begin) / 16 == pytest.approx(script.pause_ms, abs=60)


def test_every_sentence_has_every_pause_and_no_other_long_silence() -> None:
    """A pause that was recorded is closed, so that the table by pause length says what it seems to say."""
    for script in SCRIPTS:
        spans = audible_spans(recordings()[script.recording].pcm, RATE_HZ)
        rests_ms = sorted((b.begin - (a.end or 0)) / 16 for a, b in itertools.pairwise(spans))
        assert script.pause_ms is not None
        assert all(rest < 250 for rest in rests_ms[:-1]), script.recording


@pytest.mark.parametrize("pause_ms", [100, 1800, 5000])
def test_shorter_and_longer_pauses_are_as_long_as_they_say(pause_ms: int) -> None:
    """By what they add to the same sentence with a usual one."""
    for script in pause_scripts((pause_ms,)):
        usual = recording(f"{script.recording.rpartition('.')[0]}.{SCRIPTS[0].pause_ms}")
        added_ms = (len(recording(script.recording).pcm) - len(usual.pcm)) / 16
        assert SCRIPTS[0].pause_ms is not None
        assert added_ms == pytest.approx(pause_ms - SCRIPTS[0].pause_ms, abs=1), script.recording


def test_words_keep_their_order_and_their_length() -> None:
    """Only what follows the pause is later, and the end is later by as much."""
    base = load_speech()["cancel"]
    longer, shorter = (paused(base, "it", 3, pause_ms) for pause_ms in (700.0, 300.0))
    assert [word.text for word in longer.words] == [word.text for word in base.words]
    later = [a.start_ms - b.start_ms for a, b in zip(longer.words, shorter.words, strict=True)]
    assert later == pytest.approx([0.0] * 4 + [400.0] * 3)
    assert len(longer.pcm) - len(shorter.pcm) == pytest.approx(400 * 16, abs=1)
    for each in (longer, shorter):
        times = [time for word in each.words for time in (word.start_ms, word.end_ms)]
        assert times == sorted(times)
        assert each.duration_ms == pytest.approx(len(each.pcm) / 16, abs=1)


def test_what_cannot_be_done_is_refused() -> None:
    """A pause behind the last word, one of nothing, and a text with other words."""
    base = load_speech()["time"]
    with pytest.raises(ValueError, match="after_word: got 3, allowed: 0 to 2 in time"):
        paused(base, "it", 3, 300)
    with pytest.raises(ValueError, match="pause_ms: got 5, allowed: 40 and more"):
        paused(base, "it", 0, 5)
    with pytest.raises(ValueError, match="time: got 2 words in 'What time', allowed: 4"):
        with_text(base, "What time")
