"""The share of all cores that was taken."""

from __future__ import annotations

from typing import NamedTuple

from bench.busy import busy_share


class Times(NamedTuple):
    """As psutil gives them."""

    user: float
    idle: float
    iowait: float


def test_waiting_is_not_work() -> None:
    """Of ten seconds six were idle and one was waited for a disk."""
    assert round(busy_share(Times(1, 1, 1), Times(4, 7, 2)), 2) == 0.3


def test_it_is_a_share_whatever_the_counters_do() -> None:
    """No time between, and a counter that goes back."""
    assert busy_share(Times(1, 1, 1), Times(1, 1, 1)) == 0.0
    assert busy_share(Times(1, 5, 1), Times(4, 4, 1)) == 1.0
    assert busy_share(Times(4, 1, 1), Times(3, 4, 1)) == 0.0
