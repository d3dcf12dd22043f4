"""Text on its way to the voice: what is plain at once, what is marked up without its marks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from livekit.agents.voice.transcription.filters import filter_emoji, filter_markdown

from turns.spoken_text import spoken_text

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Sequence


async def stream(tokens: Sequence[str]) -> AsyncGenerator[str]:
    for token in tokens:
        yield token


async def joined(text: AsyncIterable[str]) -> str:
    return "".join([part async for part in text])


async def test_a_plain_token_passes_before_the_next_is_there() -> None:
    """Each one alone, marks as well: none of them waits for what follows."""
    tokens = ["Of", " course", ",", " it", " is", " 3", ".", "50", " -", " at", " least", "."]
    taken: list[str] = []

    async def source() -> AsyncGenerator[str]:
        for token in tokens:
            taken.append(token)
            yield token

    text = spoken_text(source())
    for index, token in enumerate(tokens):
        assert await anext(text) == token
        assert len(taken) == index + 1
    assert [part async for part in text] == []


@pytest.mark.parametrize(
    "tokens",
    [
        ["It", " is", " **", "very", " good", "**", ", yes", "."],
        ["- one", "\n", "- two"],
        [" ", "+", " one"],
        ["# Title", "\n", "Text."],
        ["See [", "here", "](http://x.y)", " now."],
        ["`code`", " and ~~no~~", " text."],
        ["Sure.\n", "1. one\n", "* two\n"],
        ["Fine ", "\U0001f600", " then *so*."],
        ["snake_case and 5 * 3."],
        [],
    ],
)
async def test_markup_is_filtered_as_the_framework_does_it(tokens: Sequence[str]) -> None:
    """In whatever token it begins, the words are those of the framework's filters."""
    expected = await joined(filter_emoji(filter_markdown(stream(tokens))))
    assert (await joined(spoken_text(stream(tokens)))).split() == expected.split()


async def test_the_framework_s_filter_would_hold_a_mark_back() -> None:
    """The reason for all this; if it fails, the framework's own filters are enough."""
    tokens = iter(["Of", " course", ","])

    async def source() -> AsyncGenerator[str]:
        for token in tokens:
            yield token
        raise RuntimeError("one more token was asked for")

    parts: list[str] = []

    async def take() -> None:
        async for part in filter_markdown(source()):
            parts.append(part)  # noqa: PERF401  # what came before the error is the point

    with pytest.raises(RuntimeError, match="one more token"):
        await take()
    assert "".join(parts) == "Of course"
