"""Who says what, from the first words on."""

from __future__ import annotations

from examples.save_conversation.entries import Said
from examples.save_conversation.heard import until
from examples.save_conversation.words import Words


def test_the_caller_s_words_grow_and_are_settled_under_one_number() -> None:
    """Final words stay while the next ones come; what has not changed is not told again."""
    told: list[Said] = []
    words = Words(told.append, clock_s=lambda: 5.0)
    words.hear("I would", final=False)
    words.tell()
    words.tell()
    words.hear("I would like", final=True)
    words.hear("a ta", final=False)
    words.tell()
    words.settle("caller", "I would like a table.", at_s=4.0)
    words.tell()
    words.hear("Hello", final=False)
    words.tell()
    assert told == [
        Said(5.0, 1, "caller", "I would", settled=False),
        Said(5.0, 1, "caller", "I would like a ta", settled=False),
        Said(4.0, 1, "caller", "I would like a table."),
        Said(5.0, 2, "caller", "Hello", settled=False),
    ]


def test_both_speak_at_once_each_with_a_number() -> None:
    """An interruption is settled as it was heard, though more had been told on the way."""
    told: list[Said] = []
    words = Words(told.append, clock_s=lambda: 5.0)
    words.going_on("agent", "We open at five and close")
    words.hear("wait", final=False)
    words.tell()
    words.settle("agent", "We open at five", interrupted=True)
    words.settle("caller", "Wait.")
    assert told[2:] == [Said(5.0, 1, "agent", "We open at five", interrupted=True), Said(5.0, 2, "caller", "Wait.")]


def test_what_was_being_said_at_the_end_of_the_call_is_kept() -> None:
    """The framework makes no item of it."""
    told: list[Said] = []
    words = Words(told.append, clock_s=lambda: 5.0)
    words.hear("Good", final=True)
    words.going_on("agent", "Thank you for")
    words.end()
    words.end()
    assert told == [Said(5.0, 1, "caller", "Good"), Said(5.0, 2, "agent", "Thank you for", interrupted=True)]


def test_a_reply_that_left_no_words_leaves_no_line() -> None:
    """Nothing of it was heard."""
    told: list[Said] = []
    words = Words(told.append)
    words.going_on("agent", "We")
    words.settle("agent", "")
    words.tell()
    assert told == []


def test_words_are_heard_whole_and_not_before_their_time() -> None:
    """22 characters a second is the fastest speech there is."""
    text = "Thank you for calling the restaurant at the harbour."
    assert until(text, 0.0) == "Thank"
    assert until(text, 1.0) == "Thank you for calling the"
    assert until(text, 100.0) == text
    assert until("", 1.0) == ""
