"""Text taken apart: words, sentences and their marks; and what holds for every language's tables."""

from __future__ import annotations

from dataclasses import fields

import pytest

from turns.words import LONGEST_ENDING, MOST_WORDS, Mark, Sentence, Tables, longest_ending, mark_of, plain, sentences
from turns.words_ar import ARABIC
from turns.words_en import ENGLISH

LANGUAGES = {"en": ENGLISH, "ar": ARABIC}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Hello,", "hello"),
        (" I’m ", "i'm"),  # noqa: RUF001  # the apostrophe of a recogniser
        ("“to”...", "to"),
        ("أُرِيدُ", "اريد"),
        ("مدرسـة", "مدرسه"),
        ("على؟", "علي"),
        ("7:30", "7:30"),
        ("—", ""),
    ],
)
def test_a_word_has_one_form(word: str, expected: str) -> None:
    """However the recogniser wrote it."""
    assert plain(word) == expected


@pytest.mark.parametrize(
    ("written", "mark"),
    [
        ("so", Mark.NONE),
        ("so,", Mark.OPEN),
        ("so—", Mark.OPEN),
        ("so...", Mark.OPEN),
        ("so…", Mark.OPEN),
        ("و،", Mark.OPEN),
        ("so.", Mark.CLOSED),
        ("so!", Mark.CLOSED),
        ("好。", Mark.CLOSED),
        ("so?", Mark.ASKED),
        ("لا؟", Mark.ASKED),
        ('so?"', Mark.ASKED),
    ],
)
def test_a_mark_is_read_at_the_words_end(written: str, mark: Mark) -> None:
    """Quotation marks behind it do not count."""
    assert mark_of(written) is mark


def test_a_text_is_taken_apart_by_its_marks() -> None:
    """A comma divides nothing; an abbreviation's full stop neither."""
    found = sentences("Well, hello. Is Dr. Ray there? I, uh", frozenset({"dr"}))
    assert found == [
        Sentence(("well", "hello"), Mark.CLOSED),
        Sentence(("is", "dr", "ray", "there"), Mark.ASKED),
        Sentence(("i", "uh"), Mark.NONE),
    ]


@pytest.mark.parametrize("text", ["", "   ", "...", "— ?", "\u200f"])
def test_no_words_are_no_sentence(text: str) -> None:
    """Marks alone say nothing."""
    assert sentences(text) == []


def test_letters_with_dashes_are_letters() -> None:
    """A word with a dash stays one."""
    assert sentences("S-A-R in twenty-five")[0].words == ("s", "a", "r", "in", "twenty-five")


def test_a_dash_behind_a_full_stop_counts() -> None:
    """The caller goes on; where it stands alone it belongs to the words before it."""
    assert sentences("Yes. —")[-1].mark is Mark.OPEN


def test_a_long_turn_is_read_from_its_end() -> None:
    """The cost of a judgement does not grow with the turn."""
    found = sentences("word " * 500 + "end")
    assert sum(len(sentence.words) for sentence in found) == MOST_WORDS
    assert found[-1].words[-1] == "end"


def test_the_longest_ending_decides() -> None:
    """Over all tables, not table by table; what is written onto a word is taken off."""
    short, long = frozenset({("so",)}), frozenset({("think", "so")})
    assert longest_ending(("i", "think", "so"), [short, long]) == (1, ("think", "so"))
    assert longest_ending(("and", "so"), [short, long]) == (0, ("so",))
    assert longest_ending(("say",), [short, long]) == (-1, ())
    assert longest_ending(("وعشان",), [frozenset({("عشان",)})], "و")[0] == 0


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_ending_is_in_one_table(language: str) -> None:
    """Two of one length would make the order of the tables decide."""
    tables = LANGUAGES[language]
    for one, other in (("going_on", "unsure"), ("going_on", "closing"), ("unsure", "closing"), ("answers", "hesitant")):
        assert getattr(tables, one) & getattr(tables, other) == set(), f"{one} and {other}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entry_can_be_found(language: str) -> None:
    """Each word is plain, and no ending is longer than what is looked up."""
    tables: Tables = LANGUAGES[language]
    for name in ("going_on", "unsure", "closing", "done", "elliptic", "stranded", "tags"):
        for ending in getattr(tables, name):
            assert len(ending) <= LONGEST_ENDING, f"{name}: {' '.join(ending)}"
    for field in fields(tables):
        for entry in getattr(tables, field.name):
            for word in entry if isinstance(entry, tuple) else (entry,):
                assert plain(word) == word, f"{field.name}: {word}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_exception_is_one(language: str) -> None:
    """An ending that closes is there because a shorter one goes on; and stranded ones do go on."""
    tables = LANGUAGES[language]
    shorter = [tables.going_on, tables.unsure]
    idle = [ending for ending in tables.closing if longest_ending(ending, shorter, tables.joined)[0] < 0]
    assert [" ".join(ending) for ending in idle] == []
    never = [ending for ending in tables.stranded if longest_ending(ending, [tables.going_on], tables.joined)[0] < 0]
    assert [" ".join(ending) for ending in never] == []
