"""Which transcripts ask for the same reply, and which only look alike."""

# ruff: noqa: RUF001  the Arabic letters are meant
from __future__ import annotations

import random

import pytest

from turns.same_words import normalized, same_words

SAME = [
    ("what are your opening hours", "What are your opening hours?"),
    ("What time is it.", "What time is it?"),
    ("  I  need a table ", "I need a table"),
    ("Um, I need, uh, a table", "I need a table"),
    ("I need a table er", "I need a table."),
    ("UM I NEED A TABLE", "I need a table"),
    ("I don’t know", "I don't know"),
    ("twenty-one people", "twenty one people"),
    ("My number is 555-0142.", "my number is 5550142"),
    ("5 5 5, 0 1 4 2", "555 0142"),
    ("(020) 7946 0018", "02079460018"),
    ("1,000 people", "1000 people"),
    ("At 7 a.m. please", "at 7 am, please"),
    ("at 5pm", "at 5 PM"),
    ("write to me at example.com", "Write to me at example com"),
    ("ما هي ساعات العمل لديكم؟", "ما هي ساعات العمل لديكم"),
    ("أريد حجزاً، إذا أمكن", "اريد حجزا اذا امكن"),
    ("اه امم أريد طاولة", "أريد طاولة"),
    ("يعني أريد طـاولة يعني", "أريد طاولة"),
    ("الساعة ٧:٣٠", "الساعة 7:30"),
    ("٢٫٥ كيلو", "2.5 كيلو"),
]

DIFFERENT = [
    ("I want a table", "I want a table please"),
    ("I do want it", "I do not want it"),
    ("I can come", "I can't come"),
    ("yes", "no"),
    ("no thanks", "thanks"),
    ("we're there", "were there"),
    ("I need the ER", "I need the"),
    ("I need the ER", "I need the, er"),
    ("uh-huh", "uh"),
    ("uh huh I am", "I am"),
    ("uh uh", "uh"),
    ("5 mm", "5"),
    ("at 4, 6 people", "at 46 people"),
    ("3.50", "350"),
    ("7:30", "730"),
    ("3/4", "3 4"),
    ("-5 degrees", "5 degrees"),
    ("5%", "5"),
    ("$5", "5"),
    ("C++", "C"),
    ("12", "21"),
    ("um", ""),
    ("هذا يعني الكثير", "هذا الكثير"),
    ("لا أريد", "أريد"),
    ("آه أريد", "أريد"),
    ("हिन्दी", "हनद"),
    ("我要三个", "我要四个"),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_the_same_words_written_in_another_way(first: str, second: str) -> None:
    """Case, marks, spaces, hesitation, Arabic spelling and the grouping of a number change no reply."""
    assert normalized(first) == normalized(second)
    assert same_words(first, second)
    assert same_words(second, first)


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_other_words_however_alike(first: str, second: str) -> None:
    """One word more, a "not", another figure: another reply."""
    assert not same_words(first, second)
    assert not same_words(second, first)


@pytest.mark.parametrize("text", ["", " ", "...", "—?!"])
def test_nothing_said_is_nothing(text: str) -> None:
    """Marks alone hold no word."""
    assert normalized(text) == ()


def test_hesitation_alone_is_still_something() -> None:
    """A caller who only says "um" has not said nothing, and not "hmm" either."""
    assert normalized("Um...") == ("um",)
    assert normalized("يعني") == ("يعني",)


def test_every_word_counts_wherever_it_stands() -> None:
    """200 random sentences: a word taken away, put in or changed for another is never the same."""
    draws = random.Random(11)
    words = ["I", "you", "not", "no", "want", "a", "table", "for", "two", "please", "أريد", "طاولة", "لا", "7", "19"]
    for _ in range(200):
        said = draws.choices(words, k=draws.randint(1, 9))
        at = draws.randrange(len(said))
        fewer, more = said[:at] + said[at + 1 :], [*said[:at], draws.choice(words), *said[at:]]
        other = [*said[:at], draws.choice([word for word in words if word != said[at]]), *said[at + 1 :]]
        for changed in (fewer, more, other):
            assert not same_words(" ".join(said), " ".join(changed)), (said, changed)


def test_marks_and_case_never_count() -> None:
    """200 random sentences with random marks and capitals, and hesitation anywhere."""
    draws = random.Random(12)
    words = ["i", "want", "a", "table", "for", "two", "tomorrow", "at", "seven", "please", "can", "you", "open"]
    for _ in range(200):
        said = draws.choices(words, k=draws.randint(1, 9))
        dressed = [draws.choice([word, word.capitalize()]) + draws.choice(",.?! …") for word in said]
        dressed.insert(draws.randint(0, len(dressed)), draws.choice(["um", "Uh,", "er", "hmm..."]))
        assert same_words(" ".join(said), " ".join(dressed)), dressed
