"""Numbers and names said piece by piece."""

from __future__ import annotations

import pytest

from turns.dictation import Dictated, dictated
from turns.words import Tables, sentences
from turns.words_ar import ARABIC
from turns.words_en import ENGLISH


def found(text: str, tables: Tables = ENGLISH) -> Dictated | None:
    return dictated([word for sentence in sentences(text) for word in sentence.words], tables)


@pytest.mark.parametrize(
    ("text", "count", "least"),
    [
        ("my number is five five", 2, 7),
        ("five five", 2, 7),
        ("555 014", 6, 7),
        ("My number is 555-0142", 7, 7),
        ("my number is double five triple seven", 5, 7),
        ("my number is double", 0, 7),
        ("my phone number is um twenty five", 2, 7),
        ("zero five zero", 3, 9),
        ("it's oh five zero", 3, 9),
        ("+971 50 123", 8, 10),
        ("zero zero nine seven one", 5, 10),
        ("the code is 12", 2, 4),
        ("extension one two", 2, 3),
        ("my order number is four four", 2, 5),
        ("the last four digits are one two", 2, 4),
        ("my card number is 4111 1111", 8, 12),
        ("it is one two three", 3, 7),
    ],
)
def test_digits_are_counted(text: str, count: int, least: int) -> None:
    """And compared with what a number of its kind has at the least."""
    assert found(text) == Dictated("digits", count, least)


@pytest.mark.parametrize(
    ("text", "count"),
    [("S A R", 3), ("it's spelled M", 1), ("S-A-R-A", 4), ("A B 1 2 3", 5), ("B", 1), ("S double T", 3)],
)
def test_letters_are_counted(text: str, count: int) -> None:
    """Those with digits among them too."""
    assert found(text) == Dictated("letters", count, 5)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a table for two",
        "at seven thirty",
        "twenty five",
        "7",
        "in room number 12",
        "table number five",
        "I'd like to order two",
        "we are six and two",
        "it costs 350",
        "at 7:30",
        "my number is wrong",
        "so am I",
        "I I",
        "plan B",
        "like a",
    ],
)
def test_an_ordinary_number_is_none(text: str) -> None:
    """Nor is a word of one letter."""
    assert found(text) is None


@pytest.mark.parametrize(
    ("text", "count", "least"),
    [
        ("رقمي خمسة خمسة", 2, 7),
        ("رقم جوالي هو صفر خمسة", 2, 9),
        ("رقمي \u0660\u0665\u0660 \u0661\u0662\u0663", 6, 9),
        ("الكود \u0665 \u0666", 2, 4),
        ("رقم حجزي هو واحد اثنين", 2, 5),
    ],
)
def test_arabic_digits_are_counted(text: str, count: int, least: int) -> None:
    """As words and as digits of either kind."""
    assert found(text, ARABIC) == Dictated("digits", count, least)


@pytest.mark.parametrize("text", ["طاولة لأربعة", "الساعة سبعة", "غرفة رقم خمسة", "و"])
def test_an_ordinary_arabic_number_is_none(text: str) -> None:
    """A room's or an hour."""
    assert found(text, ARABIC) is None


def test_arabic_letters_have_names() -> None:
    """Or stand alone."""
    assert found("سين ألف راء", ARABIC) == Dictated("letters", 3, 5)
    assert found("س ب ر", ARABIC) == Dictated("letters", 3, 5)
