"""What of a broken-off reply goes into the history."""

from __future__ import annotations

import pytest

from prewarm.heard_words import FASTEST_CHARS_A_S, HeardWords

TEXT = "We open at five, and we close at ten past nine."


def told(text: str, sound_s: float) -> HeardWords:
    heard = HeardWords()
    for begin in range(0, len(text), 3):
        heard.add_text(text[begin : begin + 3])
    heard.add_sound(sound_s / 2)
    heard.add_sound(sound_s / 2)
    return heard


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.0, ""), (0.03, ""), (0.16, "We open"), (0.5, "We open at five, and we"), (1.0, TEXT), (2.0, TEXT)],
)
def test_as_many_words_as_sound(share: float, words: str) -> None:
    """The share of the sound is the share of the text, and a word is whole or not there."""
    assert told(TEXT, 3.0).until(share * 3.0) == words


def test_a_word_that_ends_there_counts() -> None:
    """Cut exactly behind a word it was heard."""
    assert told("one two", 7.0).until(3.0) == "one"


def test_words_that_are_far_ahead_of_their_sound_were_not_heard() -> None:
    """All of the text is there, half a second of its sound, and the caller heard 0.4 s of that."""
    assert len(told(TEXT, 0.5).until(0.4) or "") <= 0.4 * FASTEST_CHARS_A_S


def test_without_sound_nothing_was_heard() -> None:
    """The reply was broken off before it began."""
    heard = HeardWords()
    heard.add_text(TEXT)
    assert heard.until(1.0) == ""


def test_without_words_nothing_is_known() -> None:
    """The framework then keeps what it has."""
    heard = HeardWords()
    heard.add_sound(1.0)
    assert heard.until(0.5) is None


def test_the_next_reply_begins_empty() -> None:
    """Nothing of the one before is in it, neither words nor sound."""
    heard = told(TEXT, 3.0)
    heard.end_text()
    heard.end_sound()
    heard.add_text("Yes.")
    heard.add_sound(0.5)
    assert heard.until(0.5) == "Yes."


def test_words_without_a_sound_are_not_the_next_reply_s() -> None:
    """A reply that was withdrawn before its first sound."""
    heard = HeardWords()
    heard.add_text(TEXT)
    heard.end_text()
    heard.add_text("Yes.")
    heard.add_sound(0.5)
    assert heard.until(0.5) == "Yes."


def test_arabic_is_cut_between_words_too() -> None:
    """Letters are counted as they are written."""
    assert told("نحن نفتح من التاسعة", 4.0).until(2.0) == "نحن نفتح"


def test_words_are_under_way_until_the_last_one_is_told() -> None:
    """Whether they were heard by then is another matter."""
    heard = HeardWords()
    assert heard.under_way == ""
    heard.add_text("One ")
    heard.add_text("two.")
    assert heard.under_way == "One two."
    heard.end_text()
    assert heard.under_way == ""
    heard.add_text("Three.")
    assert heard.under_way == "Three."
