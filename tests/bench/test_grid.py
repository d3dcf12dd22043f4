"""What the tables of all reports share."""

from __future__ import annotations

import pytest

from bench.grid import NONE, Grid, markdown_table, one_count, signed

GRID = Grid(("side", "p50", "p90"), (("fast", "900", NONE),), frozenset({"side"}), "Nothing was measured.")


@pytest.mark.parametrize(("value_ms", "shown"), [(-0.4, "0"), (-0.6, "\N{MINUS SIGN}1"), (12.6, "13")])
def test_milliseconds_are_whole(value_ms: float, shown: str) -> None:
    """With a minus sign, and never with one before a zero."""
    assert signed(value_ms) == shown


@pytest.mark.parametrize(("counts", "shown"), [((3, 3), "3"), ((3, 2), "3 / 2"), ((), "0")])
def test_equal_counts_are_told_once(counts: tuple[int, ...], shown: str) -> None:
    """Different ones each, none as 0."""
    assert one_count(counts) == shown


def test_columns_are_taken_by_their_headings() -> None:
    """In the order that was asked for."""
    assert GRID.only("p90", "side").lines == ((NONE, "fast"),)


def test_markdown_has_figures_at_the_right_or_says_why_there_are_none() -> None:
    """A table of GitHub's; without lines its sentence."""
    assert markdown_table(GRID) == "| side | p50 | p90 |\n| --- | ---: | ---: |\n| fast | 900 | - |"
    assert markdown_table(Grid(GRID.headings, (), GRID.words, GRID.missing)) == "Nothing was measured."
