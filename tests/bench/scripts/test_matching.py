"""Two texts side by side: what the LLM was told, and which of the caller's words that are."""

from __future__ import annotations

from bench.scripts.matching import match
from tests.bench.scripts.example import said

WORDS = (*said("I would like to cancel my reservation.", 0, 1.0), *said("Uh-huh.", None, 5.0), *said("Yes.", 1, 7.0))
ALWAYS_S = 100.0


def test_case_and_marks_make_no_difference() -> None:
    """Nor a word that stands alone in one text and not in the other."""
    told = match("i would like, to cancel My reservation", "", WORDS, ALWAYS_S)
    assert told.said == frozenset(range(7))
    assert (told.newest, told.strange) == (frozenset(), ())


def test_a_word_that_was_cut_in_two_is_one() -> None:
    """A recogniser that is told to finish in the middle of it makes two."""
    told = match("to can cel my reserva tion", "reserva tion", WORDS, ALWAYS_S)
    assert told.said == frozenset({3, 4, 5, 6})
    assert (told.newest, told.strange) == (frozenset({6}), ())


def test_what_is_told_twice_is_strange() -> None:
    """And what was not said at all."""
    told = match("cancel my my horse", "my horse", WORDS, ALWAYS_S)
    assert told.strange in (("my", "horse"), ("horse",))
    assert len(told.strange) == 2


def test_nothing_is_told_before_it_was_said() -> None:
    """Of two like words the later one cannot be meant then."""
    words = (*said("Yes.", 0, 1.0), *said("Yes.", 1, 5.0))
    assert match("Yes.", "Yes.", words, 4.0).said == frozenset({0})
    assert match("Yes. Yes.", "Yes.", words, ALWAYS_S).newest == frozenset({1})


def test_the_newest_part_is_the_end() -> None:
    """Of words that the text has more than once too."""
    words = (*said("five five five", 0, 1.0), *said("five", 1, 5.0))
    told = match("five five five five", "five", words, ALWAYS_S)
    assert told.newest == frozenset({3})
    assert told.said == frozenset({0, 1, 2, 3})
