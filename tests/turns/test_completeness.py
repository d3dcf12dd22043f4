"""One judgement at a time: the rules, and which of them goes before which."""

from __future__ import annotations

import random

import pytest

from turns.completeness import Verdict, judge

COMPLETE, OPEN, UNKNOWN = Verdict.COMPLETE, Verdict.OPEN, Verdict.UNKNOWN
STATEMENT = Verdict.STATEMENT


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        # Short answers need no mark
        ("yes", COMPLETE),
        ("no thank you", COMPLETE),
        ("hello", COMPLETE),
        ("stop", COMPLETE),
        ("Sunday", COMPLETE),
        ("at seven", COMPLETE),
        ("um, yes", COMPLETE),
        ("Mm-hm.", COMPLETE),
        # A sentence needs one
        ("I need a table", UNKNOWN),
        ("I need a table.", STATEMENT),
        ("What are your opening hours?", COMPLETE),
        ("I need a table, please", COMPLETE),
        # Something has to follow, whatever the mark says
        ("I would like to", OPEN),
        ("I would like to.", OPEN),
        ("My name is.", OPEN),
        ("I came because?", OPEN),
        ("and um", OPEN),
        ("Yes and my", OPEN),
        ("Can I?", OPEN),
        ("Please", OPEN),
        ("Actually.", OPEN),
        ("I need a table,", OPEN),
        ("I need a table...", OPEN),
        ("I need a tab-", OPEN),
        # Longer endings are exceptions from shorter ones
        ("I think so.", COMPLETE),
        ("I closed it so that.", OPEN),
        ("I want to check in.", STATEMENT),
        ("I live in.", OPEN),
        # A question may end in what otherwise goes on
        ("Who am I speaking to?", COMPLETE),
        ("I don't know where it is.", UNKNOWN),
        ("How do I get to.", OPEN),
        ("It's not too late, is it?", COMPLETE),
        ("Is it?", OPEN),
        # A short form answers, behind yes or no
        ("Yes, it is.", COMPLETE),
        ("No, I don't.", COMPLETE),
        ("It is.", OPEN),
        # Numbers and letters
        ("My number is five five", OPEN),
        ("My number is five five.", OPEN),
        ("My number is five five five, zero one four two", OPEN),
        ("My number is five five five, zero one four two.", COMPLETE),
        ("It's zero five zero, one two three, four five six seven", UNKNOWN),
        ("S A R", OPEN),
        ("S A R.", OPEN),
        ("S A R A.", UNKNOWN),
        ("S A R A H.", COMPLETE),
        ("A table for two.", STATEMENT),
        ("My number is five five. Thank you", COMPLETE),
    ],
)
def test_english(text: str, verdict: Verdict) -> None:
    """The rules of the words."""
    assert judge(text, "en").verdict is verdict, judge(text, "en").reason


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("نعم", COMPLETE),
        ("لا شكرا", COMPLETE),
        ("بكرة الصبح", COMPLETE),
        ("ما هي ساعات العمل لديكم؟", COMPLETE),
        ("أريد أن أحجز طاولة", UNKNOWN),
        ("أريد أن أحجز طاولة.", STATEMENT),
        ("أُريدُ أنْ.", OPEN),
        ("عندي سؤال عن", OPEN),
        ("أبغى طاولة و", OPEN),
        ("ما جيت وعشان.", OPEN),
        ("من هو؟", COMPLETE),
        ("رقمي خمسة خمسة.", OPEN),
        ("طاولة،", OPEN),
        ("امم", OPEN),
    ],
)
def test_arabic(text: str, verdict: Verdict) -> None:
    """The same ones with the other tables, in any spelling."""
    assert judge(text, "ar").verdict is verdict, judge(text, "ar").reason


def test_a_sentence_that_stops_short_is_read_with_the_next_one() -> None:
    """The recogniser's full stop is no end; what was complete is left behind."""
    assert judge("My number is. Five five.").verdict is OPEN
    assert judge("My number is five five five. Zero one four two.").verdict is COMPLETE
    assert judge("I would like to. Book a table.").verdict is STATEMENT
    assert judge("What is your number of tables? Four.").verdict is COMPLETE


def test_what_follows_a_statement_is_no_answer() -> None:
    """Nobody was asked: the caller goes on in pieces. Behind another answer it is one."""
    assert judge("I need a table. For four people").verdict is STATEMENT
    assert judge("Yes. At seven.").verdict is COMPLETE


@pytest.mark.parametrize(
    ("text", "language", "verdict"),
    [
        ("Ich möchte und", "de", UNKNOWN),
        ("Ich möchte.", "de", STATEMENT),
        ("Ich möchte,", "de-DE", OPEN),
        ("یہ کیا ہے و", "ur", UNKNOWN),
        ("你好。", "zh", STATEMENT),
        ("привет", None, UNKNOWN),
        ("I would like to.", None, OPEN),
        ("I would like to.", "en-US", OPEN),
        ("I would like to.", "ar", OPEN),
        ("عندي booking عند", "en", OPEN),
        ("رقمي 05", "ar", OPEN),
        ("05", "ar", OPEN),
    ],
)
def test_another_language_has_its_marks_only(text: str, language: str | None, verdict: Verdict) -> None:
    """The script goes before the recogniser's guess between English and Arabic."""
    assert judge(text, language).verdict is verdict


@pytest.mark.parametrize("text", ["", "  ", "?", "\n"])
def test_nothing_said_says_nothing(text: str) -> None:
    """An empty text is neither complete nor open."""
    assert judge(text).verdict is UNKNOWN


def test_any_text_has_a_verdict() -> None:
    """No error on what a recogniser might send: 2000 texts of odd pieces, from a printed seed."""
    seed = random.randrange(10**9)
    draws = random.Random(seed)
    pieces = [
        "I",
        "to",
        "S-A",
        "double",
        "a.m.",
        "5",
        "\u0665",
        "+",
        "-",
        "—",
        "...",
        "?",
        ".",
        "'",
        "و",
        "é",
        "你",
        "\0",
    ]
    for _ in range(2000):
        text = draws.choice(["", " "]).join(draws.choices(pieces, k=draws.randrange(8)))
        found = judge(text, draws.choice([None, "en", "ar", "de", "x-y-z", ""]))
        assert found.reason, f"seed {seed}: {text!r}"


def test_the_reason_repeats_no_word_of_the_caller() -> None:
    """It may be logged."""
    for text in ("My number is five five", "I would like Zanzibar to", "Zanzibar.", "S A R"):
        said = {word.lower().strip(".") for word in text.split()}
        assert not said & set(judge(text).reason.split()) - {"is", "to", "a"}
