"""The corpus is what the benchmark says that it is, and the simulated recogniser understands it."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.turns.corpus import (
    ARABIC_QUESTIONS,
    BARGE_IN,
    LONG_QUESTION,
    PAUSES_MS,
    arabic_scripts,
    has_filler,
    noises,
    pause_scripts,
    questions,
    recording,
    recordings,
)
from sim.ears.phrasebook import Phrasebook
from turns.completeness import Verdict, judge

BLOCK = 320
BOOK = Phrasebook(recordings().values())


def test_each_pause_has_as_many_sentences() -> None:
    """At least fifteen places, each with every length: sixty turns and more."""
    counts = Counter(script.pause_ms for script in pause_scripts())
    assert set(counts) == set(PAUSES_MS)
    assert len(set(counts.values())) == 1
    assert counts.total() >= 60


def test_everything_that_is_said_is_recorded() -> None:
    """By its id; Arabic is said with and without a pause."""
    said = [script.recording for script in (*questions(), *pause_scripts(), *arabic_scripts())]
    assert {*said, *noises(), BARGE_IN, LONG_QUESTION} <= set(recordings())
    assert tuple(script.recording for script in arabic_scripts() if script.pause_ms is None) == ARABIC_QUESTIONS
    assert {script.pause_ms for script in arabic_scripts()} == {None, *PAUSES_MS}
    assert {"mm_hm", "cough"} <= set(noises())


def test_callers_pause_behind_a_filler() -> None:
    """In three sentences, with every pause; what is in front of it is a filler."""
    filled = [script for script in pause_scripts() if has_filler(script.recording)]
    assert Counter(script.pause_ms for script in filled) == dict.fromkeys(PAUSES_MS, 3)
    before = {_last_word_before_the_pause(script.recording) for script in filled}
    assert before == {"um", "uh"}


def test_arabic_callers_pause_in_open_sentences_and_in_a_number() -> None:
    """Whose words tell that something has to follow; only the question's do not."""
    paused = {script.recording.partition(".")[0]: script.recording for script in arabic_scripts() if script.pause_ms}
    verdicts = {name: judge(_said_before_the_pause(recording), "ar").verdict for name, recording in paused.items()}
    assert verdicts.pop("arabic_hours") is not Verdict.OPEN
    assert set(verdicts.values()) == {Verdict.OPEN}
    assert len(verdicts) == 3


def _said_before_the_pause(recording: str) -> str:
    words = recordings()[recording].words[: int(recording.split(".")[1])]
    return " ".join(word.text for word in words)


def _last_word_before_the_pause(recording: str) -> str:
    return _said_before_the_pause(recording).split()[-1].strip(".,").lower()


@pytest.mark.parametrize(
    "name",
    [
        *("book_table.7.900", "pause_800.4.700", "phone_number.6.500", "arabic_hours.3.300"),
        *("filler_first.1.300", "filler_middle.4.900", "filler_last.6.500"),
        *("arabic_want.2.700", "arabic_and.3.500", "arabic_number.5.900"),
    ],
)
def test_the_recogniser_hears_a_sentence_with_its_pause(name: str) -> None:
    """No word from behind the pause is told before it was said, and in the end all of them are told."""
    told_early, told = _told(name, BOOK)
    assert told_early == []
    assert told == [each.text for each in recordings()[name].words]


@pytest.mark.parametrize("pauses_ms", [(100, 1800, 5000), (900, 1200, 1500, 1800, 2200)])
def test_the_recogniser_hears_a_sentence_with_any_pauses(pauses_ms: tuple[int, ...]) -> None:
    """Those that sound most alike, with the shortest and the longest of the run."""
    book = Phrasebook(recordings(pauses_ms).values())
    for place in ("phone_number.6", "arabic_hours.3"):
        for pause_ms in (pauses_ms[0], pauses_ms[-1]):
            name = f"{place}.{pause_ms}"
            told_early, told = _told(name, book)
            assert told_early == [], name
            assert told == [each.text for each in recordings(pauses_ms)[name].words], name


def test_what_is_said_has_one_recording() -> None:
    """By its id, with whatever pause; what nobody says has none."""
    assert recording("cancel.4.1234") is recording("cancel.4.1234")
    assert recordings((1234,))["cancel.4.1234"] is recording("cancel.4.1234")
    assert recording("time") is recordings()["time"]
    assert {"cancel.4.900", "cancel"}.isdisjoint(recordings((1234,)))
    for unknown in ("nothing", "time.1.300"):
        with pytest.raises(KeyError):
            recording(unknown)


def _told(name: str, book: Phrasebook) -> tuple[list[str], list[str]]:
    """The words that were told before they were said, and those that were told in the end."""
    spoken, ears = recording(name), book.ears()
    word = int(name.split(".")[1])
    told_early: list[str] = []
    for begin in range(0, len(spoken.pcm), BLOCK):
        ears.feed(spoken.pcm[begin : begin + BLOCK])
        heard_ms = (begin + BLOCK) / 16
        if heard_ms < spoken.words[word].start_ms:
            told_early += [each.text for each in ears.words()[word:] if each.end_ms <= heard_ms]
    return told_early, [each.text for each in ears.words()]
