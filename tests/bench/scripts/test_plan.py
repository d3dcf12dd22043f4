"""Scripts are the same for a seed, and together they have all that a caller may do."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest

from bench.scripts.plan import KINDS, LONGEST_PAUSE_MS, TURNS, script
from bench.scripts.speech import SHORTEST_PAUSE_MS, TOGETHER_MS, Line, Pause, pieces, places, spoken
from bench.turns.corpus import SENTENCES
from sim.ears.phrasebook import Phrasebook
from sim.speech.library import load_speech

RUN = [script(1, number) for number in range(500)]
ALL_TURNS = [turn for each in RUN for turn in each.turns]
BOOK = Phrasebook(pieces())
BLOCK = 320


def test_a_script_is_the_same_alone() -> None:
    """By seed and number; another seed says something else."""
    assert script(1, 417) == RUN[417]
    assert (RUN[417].number, RUN[417].seed) == (417, "1/417")
    assert [script(2, number).turns for number in range(20)] != [each.turns for each in RUN[:20]]


def test_everything_happens_often() -> None:
    """Each kind of turn, calls of each length, interruptions and noises over a reply."""
    assert {len(each.turns) for each in RUN} == set(TURNS)
    assert min(Counter(turn.kind for turn in ALL_TURNS)[kind] for kind in KINDS) > 100
    assert sum(turn.interrupts for turn in ALL_TURNS) > 100
    assert len({turn.aside for turn in ALL_TURNS}) > 8
    assert not any(each.turns[0].interrupts for each in RUN)
    assert not any(a.aside and b.interrupts for each in RUN for a, b in pairwise(each.turns))


def test_pauses_have_any_length() -> None:
    """Between the shortest that the recogniser can tell and the longest; also between two sentences."""
    pauses = [pause.ms for turn in ALL_TURNS for pause in turn.line.pauses]
    assert SHORTEST_PAUSE_MS <= min(pauses) < 300
    assert 1450 < max(pauses) <= LONGEST_PAUSE_MS
    between = {turn.line.then_ms for turn in ALL_TURNS if turn.kind == "goes on"}
    assert set(TOGETHER_MS) <= between
    assert len(between) > 100


@pytest.mark.parametrize("recording", [sentence.recording for sentence in SENTENCES])
def test_a_pause_is_as_long_as_planned(recording: str) -> None:
    """By the words' times, in which a word's soft end belongs to the silence."""
    for after in places(recording):
        words = spoken(Line(recording, (Pause(after, 700),))).words
        assert 650 <= words[after + 1].start_ms - words[after].end_ms <= 780


@pytest.mark.parametrize("number", [3, 57, 142, 333])
def test_the_recogniser_hears_a_script(number: int) -> None:
    """All words of every line, and none of them before it was said."""
    for turn in RUN[number].turns:
        recording, ears = spoken(turn.line), BOOK.ears()
        for begin in range(0, len(recording.pcm), BLOCK):
            ears.feed(recording.pcm[begin : begin + BLOCK])
            heard_ms = (begin + BLOCK) / 16
            told = len([word for word in ears.words() if word.end_ms <= heard_ms])
            assert told <= len([word for word in recording.words if word.start_ms <= heard_ms])
        assert [word.text for word in ears.words()] == [word.text for word in recording.words]


def test_nothing_is_said_that_is_not_recorded() -> None:
    """Recordings that are renamed or gone are missed here, and not in the middle of a run."""
    names = {name for turn in ALL_TURNS for name in (turn.line.recording, turn.line.then, turn.aside) if name}
    assert names <= set(load_speech())
