"""The tokenizer: what it lets go and when, that nothing is lost, and the real plugin with it."""

# ruff: noqa: RUF001  # a dash is one of the marks

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

import aiohttp
import pytest
from livekit.agents import APIConnectOptions
from livekit.plugins import elevenlabs

from sim.latency import Fixed, Profile, TtsLatency, fixed_profile
from sim.providers import SimulatedProviders
from turns.first_clause import (
    FIRST_MIN_CHARS,
    FIRST_MIN_WORDS,
    PIECE_MAX_CHARS,
    SENTENCE_MIN_CHARS,
    ClauseCutter,
    FirstClauseTokenizer,
)

if TYPE_CHECKING:
    from livekit.agents.tokenize import SentenceStream

REPLY = "Of course, I can do that. What is the name, please? We close at 7:30 p.m. on Sunday, Dr. Smith. Bye."
WORDS = [
    "Yes",
    "a",
    "table",
    "Dr.",
    "3.50",
    "at",
    "7:30",
    "p.m.",
    "twenty-five",
    "نعم",
    "شكراً",
    "ok",
    "tomorrow",
    "e.g.",
]
MARKS = ["", "", "", "", ".", "!", "?", ",", ";", ":", " –", "…", "،", "؟", ".\n", '."']


def texts(seed: int) -> str:
    random = Random(seed)
    return " ".join(random.choice(WORDS) + random.choice(MARKS) for _ in range(random.randrange(1, 120)))


def tokens(text: str, seed: int) -> list[str]:
    """`text` in pieces of one to eight characters, as a language model sends it."""
    random, parts = Random(seed), list[str]()
    while text:
        size = random.randrange(1, 9)
        parts.append(text[:size])
        text = text[size:]
    return parts


async def pieces(stream: SentenceStream) -> list[str]:
    return [data.token async for data in stream]


def test_the_first_clause_goes_with_the_token_that_ends_it() -> None:
    """Not one token later; what follows goes by sentences, the last of them at the end."""
    cutter = ClauseCutter()
    assert [cutter.push(token) for token in ("Of", " course", ",")] == [[], [], ["Of course,"]]
    assert cutter.push(" I can do that for you. ") == ["I can do that for you."]
    assert cutter.push("And, well, what is the name?") == []
    assert cutter.flush() == ["And, well, what is the name?"]
    assert cutter.flush() == []


def test_after_a_flush_a_new_reply_begins() -> None:
    """It has a first clause of its own."""
    cutter = ClauseCutter()
    assert cutter.push("Of course, I") == ["Of course,"]
    assert cutter.flush() == ["I"]
    assert cutter.push("Let me see, I") == ["Let me see,"]


def test_a_whole_text_in_pieces() -> None:
    """A short sentence goes with the next, numbers and abbreviations stay whole."""
    assert FirstClauseTokenizer().tokenize(REPLY) == [
        "Of course,",
        "I can do that. What is the name, please?",
        "We close at 7:30 p.m. on Sunday, Dr. Smith.",
        "Bye.",
    ]


def test_a_text_without_marks_does_not_wait_for_its_end() -> None:
    """It goes in pieces of whole words; a single endless word goes at the end."""
    text = "word " * 100
    parts = FirstClauseTokenizer().tokenize(text)
    assert " ".join(parts) == text.strip()
    assert len(parts) > 2
    assert max(map(len, parts)) <= PIECE_MAX_CHARS
    assert FirstClauseTokenizer().tokenize("w" * 900) == ["w" * 900]


@pytest.mark.parametrize("seed", range(100))
def test_nothing_is_lost_or_moved(seed: int) -> None:
    """In whatever tokens a text comes: the same characters in the same order, in pieces of a good size."""
    text = texts(seed)
    cutter = ClauseCutter()
    parts = [part for token in tokens(text, seed) for part in cutter.push(token)] + cutter.flush()
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(part and part == part.strip() for part in parts)
    for index, part in enumerate(parts[:-1]):
        assert len(part) <= PIECE_MAX_CHARS
        if index:
            assert len(part) >= SENTENCE_MIN_CHARS
        else:
            assert len(part) >= FIRST_MIN_CHARS or len(part.split()) >= FIRST_MIN_WORDS
    for number in ("3.50", "7:30", "Dr."):
        assert sum(part.count(number) for part in parts) == text.count(number)


async def test_the_stream_ends_with_its_input() -> None:
    """The rest comes out at a flush and at the end; each flush begins another segment."""
    stream = FirstClauseTokenizer().stream()
    stream.push_text("Of course, first")
    stream.flush()
    stream.push_text("second")
    stream.end_input()
    data = [data async for data in stream]
    assert [item.token for item in data] == ["Of course,", "first", "second"]
    assert data[0].segment_id == data[1].segment_id != data[2].segment_id
    assert stream.closed


async def test_a_closed_stream_takes_no_text() -> None:
    """Closed in the middle it gives what it had let go, and refuses more."""
    stream = FirstClauseTokenizer().stream()
    stream.push_text("Of course, the rest is lost")
    await stream.aclose()
    assert await pieces(stream) == ["Of course,"]
    with pytest.raises(RuntimeError, match="is closed"):
        stream.push_text("more")


async def test_the_plugin_speaks_the_first_clause_before_the_second_is_written() -> None:
    """The second clause is not pushed before sound has come, so only the first one can have made it."""
    base = fixed_profile()
    profile = Profile(base.soniox, base.llm, TtsLatency(Fixed(5), Fixed(50), 50))
    simulated = SimulatedProviders(profile=profile, api_key="key", only=frozenset({"elevenlabs"}))
    async with simulated as server, aiohttp.ClientSession() as session:
        tts = elevenlabs.TTS(
            base_url=server.elevenlabs_base_url,
            api_key="key",
            http_session=session,
            encoding="pcm_24000",
            word_tokenizer=FirstClauseTokenizer(),
        )
        async with asyncio.timeout(30), tts.stream(conn_options=APIConnectOptions(max_retry=0, timeout=10)) as stream:
            for token in ("Of", " course", ","):
                stream.push_text(token)
            first = await anext(stream)
            characters = server.stats["elevenlabs"]["characters"]
            stream.push_text(" what is the name?")
            stream.end_input()
            duration_s = first.frame.duration + sum([event.frame.duration async for event in stream])
        await tts.aclose()
        assert characters == len("Of course, ")
        assert server.stats["elevenlabs"]["generations"] == 2
        assert duration_s > 1
