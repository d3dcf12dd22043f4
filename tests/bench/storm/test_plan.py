"""The plan of a storm, without a storm."""

from __future__ import annotations

from collections import Counter

import pytest

from bench.storm.plan import Options, plan


def test_a_seed_is_a_plan() -> None:
    """The same seed brings the same callers at the same moments, another seed others."""
    assert plan(Options(50, 7, restarts=2, kills=1)) == plan(Options(50, 7, restarts=2, kills=1))
    assert plan(Options(50, 7)) != plan(Options(50, 8))


@pytest.mark.parametrize(("calls", "kinds"), [(8, 5), (40, 6), (200, 6)])
def test_fates_come_by_their_shares(calls: int, kinds: int) -> None:
    """Half of the callers or more just stay, and a short storm too has nearly all other fates."""
    fates = Counter(caller.fate for caller in plan(Options(calls, 1)).callers)
    assert len(fates) == kinds
    assert sum(fates.values()) == calls
    assert 0.4 * calls <= fates["stays"] <= 0.6 * calls


def test_callers_come_on_the_average_every_so_often() -> None:
    """The moments only grow, and their mean distance is what was asked for."""
    moments_s = [caller.at_s for caller in plan(Options(400, 3, every_s=0.5)).callers]
    assert moments_s == sorted(moments_s)
    assert moments_s[-1] / 400 == pytest.approx(0.5, rel=0.2)


def test_shakes_lie_between_the_first_and_the_last_caller() -> None:
    """As many of each kind as asked for, in order, none before the storm and none after it."""
    planned = plan(Options(100, 5, restarts=4, kills=2))
    assert Counter(shake.kind for shake in planned.shakes) == {"restart": 4, "kill": 2}
    moments_s = [shake.at_s for shake in planned.shakes]
    assert moments_s == sorted(moments_s)
    assert 0 < moments_s[0] < moments_s[-1] < planned.callers[-1].at_s


def test_a_kill_needs_a_supervisor() -> None:
    """With one worker nobody would start it again: the field, the value and what is allowed."""
    with pytest.raises(ValueError, match="kills: got 1 with 1 worker, allowed: 0, or 2 workers and more"):
        Options(10, 1, kills=1, workers=1)


def test_callers_and_shakes_are_one_line_of_events() -> None:
    """All of them, by their moments."""
    planned = plan(Options(30, 2, restarts=2, kills=1))
    events = planned.in_order()
    assert len(events) == 33
    assert [event.at_s for event in events] == sorted(event.at_s for event in events)
