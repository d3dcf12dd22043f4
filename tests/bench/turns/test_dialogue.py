"""Replies depend on what was said alone, are varied, and tell an unfinished sentence from a whole one."""

from __future__ import annotations

from bench.turns.corpus import LONG_QUESTION, recordings
from bench.turns.dialogue import LONG, OPENERS, TurnsDialogue, is_part_answer

DIALOGUE = TurnsDialogue(1)
WHOLE = "My name is Anna. And I have a question about parking."


def reply(*said: str, before: int = 0) -> str:
    earlier = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Hello."}] * before
    messages = [*earlier, *({"role": "user", "content": text} for text in said)]
    return DIALOGUE.reply(messages, []).text


def test_a_whole_sentence_is_answered_whatever_its_marks() -> None:
    """Case and punctuation are the recogniser's, and two halves that were answered once are one."""
    assert reply(WHOLE) == reply("my name is anna and i have a question about parking")
    assert not is_part_answer(reply(WHOLE))
    assert not is_part_answer(reply("My name is Anna.", "And I have a question about parking."))


def test_a_part_is_told_by_its_answer() -> None:
    """Of each sentence with a pause; also what is left of one that was answered in the middle."""
    assert is_part_answer(reply("My name is Anna."))
    messages = [
        {"role": "user", "content": "My name is Anna."},
        {"role": "assistant", "content": "And then?"},
        {"role": "user", "content": "And I have a question about parking."},
    ]
    assert is_part_answer(DIALOGUE.reply(messages, []).text)


def test_the_long_question_gets_the_long_answer() -> None:
    """Which has no mark in it, so that it is spoken without a pause."""
    assert reply(recordings()[LONG_QUESTION].text) == LONG
    assert not set(",;:.!?") & set(LONG[:-1])


def test_about_half_of_the_replies_begin_with_an_opener() -> None:
    """And what follows is hardly ever the same, so that a memory of openers gets no more hits than it earns."""
    replies = [reply(WHOLE, before=turn) for turn in range(200)]
    opened = [text for text in replies if text.startswith(OPENERS)]
    assert 70 < len(opened) < 130
    rest = {text.partition(". ")[2] or text for text in replies}
    assert len(rest) > 150


def test_the_same_words_get_the_same_reply() -> None:
    """However often the model is asked: a speculation that is thrown away changes nothing."""
    assert len({reply(WHOLE, before=2) for _ in range(5)}) == 1
