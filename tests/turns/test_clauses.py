"""Where a clause ends, in text that is whole and in text that is still being written."""

# ruff: noqa: RUF001  # the marks of many scripts are the subject

from __future__ import annotations

import pytest

from turns.clauses import clause_end, last_break, sentence_end


def clause(text: str, *, at_once: bool = True, min_chars: int = 0, min_words: int = 0) -> str | None:
    end = clause_end(text, at_once=at_once, min_chars=min_chars, min_words=min_words)
    return None if end is None else text[:end]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Of course. What is the name?", "Of course."),
        ("Sure, tell me", "Sure,"),
        ("Gladly: a table", "Gladly:"),
        ("Yes; no", "Yes;"),
        ("Really? Yes!", "Really?"),
        ("Stop! Now", "Stop!"),
        ("Well … then", "Well …"),
        ("Well... then", "Well..."),
        ("Sure – I can", "Sure –"),
        ("Sure - I can", "Sure -"),
        ("Sure—I can", "Sure—"),
        ('"Of course." he said', '"Of course."'),
        ("(Yes.) And", "(Yes.)"),
        ("Here is the list\nOne", "Here is the list\n"),
        ("نعم، يمكنك ذلك", "نعم،"),
        ("نعم،يمكنك ذلك", "نعم،"),
        ("هل تريد ذلك؟ نعم", "هل تريد ذلك؟"),
        ("حسناً؛ سأفعل", "حسناً؛"),
        ("شكراً لك. نحن نفتح", "شكراً لك."),
        ("好的。请稍等", "好的。"),
        ("जी हाँ। ठीक है", "जी हाँ।"),
    ],
)
def test_a_clause_ends_at_its_mark(text: str, expected: str) -> None:
    """Also where the script puts no space behind it; closing quotes and brackets stay with it."""
    assert clause(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "It costs 3.50 euros",
        "That is 1,200 in all",
        "At 7:30 tonight",
        "From 10–12 or 10-12",
        "Monday–Friday",
        "A twenty-five minute wait",
        "Ask Dr. Smith",
        "Ask (Dr. Smith)",
        "J. Smith and U.S. law, e.g",
        "At 6 p.m. and 7 a.m. too",
        "See example.com for it",
        "It is -5 here",
        "السعر ٣،٥٠ دينار",
        "د. أحمد",
        "... and then",
        "just words",
        "",
    ],
)
def test_numbers_abbreviations_and_words_are_not_cut(text: str) -> None:
    """Whatever mark is in them; and a mark before the first word ends nothing."""
    found = clause(text)
    assert found is None or found.endswith("law,")


@pytest.mark.parametrize("text", ["Of course.", "Of course,", "Really?", "نعم،", "Let me see…", "Sure—"])
def test_a_mark_at_the_end_counts_at_once_only_if_asked(text: str) -> None:
    """No token has to follow; with `at_once` off, one has."""
    assert clause(text) == text
    assert clause(text, at_once=False) is None
    assert clause(f"{text} And", at_once=False) == text


@pytest.mark.parametrize("text", ["It costs 3.", "At 7:", "That is 1,", "Ask Dr.", "Monday –", "It is 5 -"])
def test_what_may_go_on_waits_for_the_next_token(text: str) -> None:
    """A digit may follow, or a name; only white space shows that it ends there, and not behind "Dr."."""
    assert clause(text) is None
    assert (clause(f"{text} Then") is None) == text.endswith("Dr.")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Yes. Of course. And", "Yes. Of course."),
        ("Hi, Ada, and", "Hi, Ada,"),
        ("Absolutely, I", "Absolutely,"),
        ("Sure – I can, now", "Sure – I can,"),
        ("Sure.", None),
    ],
)
def test_what_is_too_short_goes_with_the_next(text: str, expected: str | None) -> None:
    """Eight characters or two words; a dash is no word."""
    assert clause(text, min_chars=8, min_words=2) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One, two, three. Four", "One, two, three."),
        ("One two three.", None),
        ("One. Two. And three.", "One. Two."),
        ("A list:\nthen", "A list:\n"),
        ("Ask Dr. Smith, then Mr. Jones. Or", "Ask Dr. Smith, then Mr. Jones."),
    ],
)
def test_a_sentence_ends_when_the_next_one_begins(text: str, expected: str | None) -> None:
    """Commas are inside of it; at the end of the text nobody knows yet."""
    end = sentence_end(text, min_chars=7)
    assert (None if end is None else text[:end]) == expected


def test_a_text_without_an_end_is_broken_at_its_last_clause_or_word() -> None:
    """What fits best, and never inside of a word."""
    assert last_break("one two, three four") == len("one two,")
    assert last_break("one two, three four", min_chars=9) == len("one two, three")
    assert last_break("oneword") is None
