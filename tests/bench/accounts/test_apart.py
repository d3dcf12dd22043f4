"""What belongs to another account is seen, wherever it turns up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.accounts.apart import Mixed, Talk, check_requests, check_talks
from bench.accounts.asked import Asked
from bench.accounts.house import DEFAULT_GREETING, DEFAULT_INSTRUCTIONS, TOOLS, house, tools_of
from bench.accounts.visit import QUESTIONS, Said
from sim.speech.library import load_speech

FIRST, SECOND, THIRD, _ = ACCOUNTS = house(4)
SOUND = np.zeros(0, np.int16)


def request(number: int = 1) -> Asked:
    """As it should be, of the second account."""
    question = load_speech()[QUESTIONS[1]].text
    return Asked(number, SECOND.instructions, tools_of(SECOND), (SECOND.greeting,), (question,))


def mixed_up(*asked: Asked, words: str = SECOND.greeting) -> Mixed:
    mixed = Mixed()
    check_requests(asked, ACCOUNTS, mixed)
    talk = Talk(SECOND, QUESTIONS[1], Said(words, SOUND), 1, Said("Of course. This is answer 1.", SOUND))
    check_talks([talk], {each.number: each for each in asked}, mixed)
    return mixed


def test_a_call_of_one_piece_is_fine() -> None:
    """Also one that nobody claims, and a greeting that the caller broke off."""
    nobody = Asked(2, DEFAULT_INSTRUCTIONS, tuple(sorted(TOOLS)), (DEFAULT_GREETING,), ())
    broken_off = replace(request(3), said=("Welcome to",))
    assert mixed_up(request(), nobody, broken_off) == Mixed()


def test_another_accounts_words_are_seen() -> None:
    """In the greeting that the caller heard."""
    assert len(mixed_up(request(), words=FIRST.greeting).words) == 1


def test_another_accounts_instructions_are_seen() -> None:
    """Whole ones of another, and some that nobody has."""
    other = replace(request(), instructions=THIRD.instructions, tools=tools_of(THIRD), said=(THIRD.greeting,))
    assert len(mixed_up(other).instructions) == 1
    assert len(mixed_up(request(), replace(request(2), instructions="Sing.")).instructions) == 1


def test_another_accounts_tools_are_seen() -> None:
    """One too many is enough."""
    assert len(mixed_up(replace(request(), tools=(*tools_of(SECOND), TOOLS[0]))).tools) == 1


def test_another_accounts_transcript_is_seen() -> None:
    """What its agent has said, and what its caller has."""
    assert len(mixed_up(replace(request(), said=(FIRST.greeting,))).transcript) == 1
    heard = (*request().heard, load_speech()[QUESTIONS[0]].text)
    assert len(mixed_up(replace(request(), heard=heard)).transcript) == 1
