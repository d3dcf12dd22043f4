"""Who takes a wish back, and who says something else."""

from __future__ import annotations

import pytest

from examples.tools_and_handoff.giving_up import gives_up


@pytest.mark.parametrize(
    "said",
    ["Never mind.", "Oh, nevermind!", "Wait, stop.", "forget it", "No, cancel that", "don\u2019t bother", "خلاص شكرا"],
)
def test_a_wish_is_taken_back(said: str) -> None:
    """By the words, whatever is around them."""
    assert gives_up(said)


@pytest.mark.parametrize("said", ["", "Okay.", "For three people, please.", "I forget the name", "نعم"])
def test_everything_else_is_no_end(said: str) -> None:
    """The work goes on."""
    assert not gives_up(said)
