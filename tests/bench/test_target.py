"""A target is reached, missed, or was not measured: three different things."""

from __future__ import annotations

import pytest

from bench.target import Target, targets_grid, verdict


@pytest.mark.parametrize(
    ("got_p50", "got_p90", "said"),
    [(1.0, 1.5, "reached"), (1.01, 1.5, "not reached"), (1.0, 1.51, "not reached"), (None, None, "not measured")],
)
def test_both_limits_count(got_p50: float | None, got_p90: float | None, said: str) -> None:
    """A figure at its limit has reached it."""
    assert verdict(Target("it", 1.0, 1.5, got_p50, got_p90, 3)) == said


def test_milliseconds_are_whole_and_ratios_are_not() -> None:
    """So that neither is hard to read."""
    (line,) = targets_grid([Target("gap, ms", 1000, 1150, 948.4, 1.234, 60)]).lines
    assert line == ("gap, ms", "948", "1000", "1.23", "1150", "60", "reached")
