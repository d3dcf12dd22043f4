"""What is taken out of what was said, and what of words that go on is held back."""

from __future__ import annotations

import time

import pytest

from examples.save_conversation.redaction import Redaction, without_names

NAMES = ("Ada Lovelace", "Bo")
MARKS = ("[phone]", "[card]", "[email]", "[name]", "[phone],", "[email],", "[name],")


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("Call me at +49 (30) 123-4567, please.", "Call me at [phone], please."),
        ("My number is 555 0123 456.", "My number is [phone]."),
        ("0170.123.45.67", "[phone]"),
        ("It is five five five, oh one two three.", "It is [phone]."),
        ("It is double five five 0 1 2 3 four", "It is [phone]"),
        ("رقمي ٠١٢٣٤٥٦٧٨٩", "رقمي [phone]"),
        ("My card is 4111 1111 1111 1111.", "My card is [card]."),
        ("4111-1111-1111-1112 has a wrong digit", "[card] has a wrong digit"),
        ("American Express 378282246310005", "American Express [card]"),
        ("four one one one one one one one one one one one one one one one", "[card]"),
        ("Mail ada.lovelace+desk@mail.example.com now.", "Mail [email] now."),
        ("It is ada dot lovelace at example dot co dot uk.", "It is [email]."),
        ("I am Ada, ada lovelace, and Bo's friend; not Adam.", "I am [name], [name], and [name]'s friend; not Adam."),
        ("A table for two at seven on the 24th, 18.50 each.", "A table for two at seven on the 24th, 18.50 each."),
        ("Look at the dot, one, two, three.", "Look at the dot, one, two, three."),
    ],
)
def test_taken_out(said: str, written: str) -> None:
    """Numbers from seven digits on, written or spoken; addresses; names and their parts as whole words."""
    assert Redaction().text(said, NAMES) == written


def test_each_kind_can_be_left_in() -> None:
    """Names are taken out whenever they are given."""
    said = "0123456789 ada@example.com Bo"
    assert Redaction(numbers=False).text(said, NAMES) == "0123456789 [email] [name]"
    assert Redaction(emails=False).text(said) == "[phone] ada@example.com Bo"
    assert without_names("a.c abc", ["a.c"]) == "[name] abc"


@pytest.mark.parametrize(
    "said",
    [
        "My number is 555 0123 456, thank you very much.",
        "It is plus four nine, three oh, one two three four five six seven. Goodbye now.",
        "Write to grace dot hopper at example dot com if you please.",
        "Write to ada.lovelace@example.com if you please.",
        "My name is Ada Lovelace, what is yours?",
        "The card is 4111 1111 1111 1111 and that is all.",
    ],
)
def test_of_words_that_go_on_no_half_of_it_is_written(said: str) -> None:
    """However far it is said when it is looked at: a line on the disk cannot be taken back."""
    whole = Redaction().text(said, NAMES)
    for end in range(len(said) + 1):
        draft = Redaction().draft(said[:end], NAMES)
        for word in draft.split():
            assert word in [*whole.split(), *MARKS], (said[:end], draft)


def test_words_without_secrets_are_on_the_disk_but_for_the_last_two() -> None:
    """The price of redaction when a kill -9 comes; a name of three words takes one more."""
    assert Redaction().draft("I would like to book a table", NAMES) == "I would like to book "
    assert Redaction().draft("I would like to book a table", ["Ada King Lovelace"]) == "I would like to "


@pytest.mark.parametrize("text", ["a" * 20_000, "a@" * 10_000, "1 " * 10_000, "a dot " * 4_000, " at " * 5_000])
def test_a_strange_text_takes_no_long_time(text: str) -> None:
    """The pattern holds up every other thread of the process."""
    begun_s = time.process_time()
    Redaction().text(text, NAMES)
    Redaction().draft(text, NAMES)
    assert time.process_time() - begun_s < 2
