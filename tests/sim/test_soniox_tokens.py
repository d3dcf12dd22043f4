"""From words to tokens: pure, at exact times."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest

from sim.ears.base import Word
from sim.latency import Fixed, fixed_profile
from sim.soniox_tokens import TokenStream, tokens_of

LATENCY = replace(fixed_profile().soniox, interim_lag=Fixed(150))
WORDS = [
    Word("What", 500, 700, "en", 0.9),
    Word("are", 700, 800, "en", 0.9),
    Word("your", 800, 1000, "en", 0.9),
    Word("opening", 1000, 1400, "en", 0.9),
    Word("hours?", 1400, 2000, "en", 0.9),
]


def text(tokens: list[dict[str, Any]]) -> str:
    return "".join(token["text"] for token in tokens)


def shown(stream: TokenStream, at_ms: float) -> str:
    """Non-final text when the audio is heard in real time from 0 s on."""
    return text(stream.interims(WORDS, at_ms, at_ms / 1000)[0])


def test_a_word_is_shown_one_lag_after_it_was_spoken() -> None:
    """Each word appears when the interim lag has passed since its end, not before; all pending words again."""
    stream = TokenStream(LATENCY, 1)
    assert [shown(stream, ms) for ms in (700, 840, 850, 949, 950, 2149, 2150)] == [
        "",
        "",
        "What",
        "What",
        "What are",
        "What are your opening",
        "What are your opening hours?",
    ]


def test_the_next_change_is_told() -> None:
    """Without further audio the stream knows when the next word is due."""
    tokens, next_s = TokenStream(LATENCY, 1).interims(WORDS, 720, 0.72)
    assert (text(tokens), next_s) == ("", pytest.approx(0.85))


def test_final_tokens_are_told_once() -> None:
    """What was made final is neither pending nor final again; the rest follows as new tokens."""
    stream = TokenStream(LATENCY, 1)
    assert text(stream.commit(WORDS[:2], 850)) == "What are"
    assert stream.commit(WORDS[:2], 900) == []
    assert text(stream.commit(WORDS, 2600)) == " your opening hours?"


def test_finalize_in_a_word_cuts_it() -> None:
    """In the middle of a word its beginning is final; its rest comes later, as a token without a space."""
    stream = TokenStream(LATENCY, 1)
    assert text(stream.commit(WORDS, 1200)) == "What are your open"
    stream.mark("<fin>")
    assert shown(stream, 3500) == "ing hours?"
    assert text(stream.commit(WORDS, 3500)) == "ing hours?"


def test_a_word_that_has_just_begun_is_left_whole() -> None:
    """Less than a third of a word spoken: it belongs to the next segment."""
    stream = TokenStream(LATENCY, 1)
    assert text(stream.commit(WORDS, 1050)) == "What are your"
    stream.mark("<fin>")
    assert text(stream.commit(WORDS, 2600)) == "opening hours?"


def test_words_recognised_late_are_not_lost() -> None:
    """A finalize before anything was recognised leaves the words for later."""
    stream = TokenStream(LATENCY, 1)
    assert stream.commit([], 900) == []
    assert text(stream.commit(WORDS, 2600)) == "What are your opening hours?"


def test_a_segment_begins_without_a_space() -> None:
    """After a mark the first token has no leading space."""
    stream = TokenStream(LATENCY, 1)
    stream.commit(WORDS[:2], 850)
    assert stream.mark("<end>")["text"] == "<end>"
    assert text(stream.commit(WORDS, 2600)) == "your opening hours?"


def test_long_words_and_punctuation_are_tokens_of_their_own() -> None:
    """Tokens are sub-words with increasing times inside the word, never longer than it."""
    tokens = tokens_of(Word("reservation.", 100, 900, "en", 0.9), is_final=True, leading_space=True)
    assert [token["text"] for token in tokens] == [" reserv", "ation", "."]
    assert tokens[0]["start_ms"] == 100
    assert tokens[-1]["end_ms"] == 900
    assert all(a["end_ms"] == b["start_ms"] for a, b in itertools.pairwise(tokens))


def test_a_revised_word_is_wrong_first_and_right_later() -> None:
    """A misheard last word differs, and is corrected when the next word appears or soon without one."""
    stream = TokenStream(replace(LATENCY, interim_revision_probability=1.0), 1)
    assert shown(stream, 1550) == "What are your openi"
    assert shown(stream, 2150) == "What are your opening hou"
    assert shown(stream, 2401) == "What are your opening hours?"


def test_a_rewritten_word_differs_only_in_case_or_punctuation() -> None:
    """The final differs from the interim, with the same letters."""
    stream = TokenStream(replace(LATENCY, final_rewrite_probability=1.0), 1)
    interim = shown(stream, 3000) or shown(stream, 3200)
    final = text(stream.commit(WORDS, 3200))
    assert interim != final
    assert [c for c in interim.lower() if c.isalpha()] == [c for c in final.lower() if c.isalpha()]


def test_the_same_seed_gives_the_same_draws() -> None:
    """Two streams with the same seed and number show the same; other numbers show something else."""
    latency = replace(LATENCY, interim_revision_probability=0.5, final_rewrite_probability=0.5)

    def history(number: int) -> list[str]:
        stream = TokenStream(latency, number)
        return [shown(stream, ms) for ms in range(700, 3000, 50)]

    assert history(1) == history(1)
    assert len({tuple(history(number)) for number in range(8)}) > 1
