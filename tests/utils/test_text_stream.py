"""What was read of a stream, in front of what was not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from utils.text_stream import joined

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


async def parts(*texts: str) -> AsyncGenerator[str]:
    for text in texts:
        yield text


@pytest.mark.parametrize(
    ("first", "rest", "whole"),
    [
        ("Of course. ", ("We are ", "open."), ["Of course. ", "We are ", "open."]),
        ("", ("We are ", "open."), ["We are ", "open."]),
        ("Yes.", (), ["Yes."]),
    ],
)
async def test_nothing_is_lost_and_nothing_is_made_up(first: str, rest: tuple[str, ...], whole: list[str]) -> None:
    """Part by part; nothing read gives no empty part."""
    assert [part async for part in joined(first, parts(*rest))] == whole


async def test_without_a_rest_it_is_what_was_read() -> None:
    """The stream has ended."""
    assert [part async for part in joined("Yes.")] == ["Yes."]
