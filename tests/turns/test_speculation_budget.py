"""The limits of speculation, and what the counts say about its cost."""

from __future__ import annotations

import pytest

from turns.speculation_budget import SpeculationBudget, SpeculationCounts, TurnCost


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_turn_has_its_own_limit() -> None:
    """The next turn begins with a full one."""
    budget = SpeculationBudget(3, 10)
    for _ in range(2):
        assert [budget.take() for _ in range(3)] == [True, True, False]
        assert [budget.take(final=True) for _ in range(2)] == [True, False]
        budget.new_turn()


def test_the_only_one_of_a_turn_is_for_the_first_words() -> None:
    """One kept back for final words would leave nothing to speculate with."""
    budget = SpeculationBudget(1, 10)
    assert [budget.take(), budget.take(final=True)] == [True, False]


def test_a_minute_has_its_own_limit() -> None:
    """It slides: what was begun 60 s ago is free again, one by one."""
    clock = Clock()
    budget = SpeculationBudget(9, 3, clock_s=clock)
    for _ in range(3):
        assert budget.take()
        clock.now_s += 10
    budget.new_turn()
    assert not budget.take()
    clock.now_s += 30
    assert [budget.take() for _ in range(2)] == [True, False]
    clock.now_s += 10
    assert [budget.take() for _ in range(2)] == [True, False]


def test_exhaustion_is_told_once_until_one_is_allowed_again() -> None:
    """With the limit that was hit: a log line a turn at the most, not one an interim."""
    clock = Clock()
    told: list[str] = []
    budget = SpeculationBudget(3, 3, on_exhausted=told.append, clock_s=clock)
    for _ in range(5):
        budget.take()
    assert told == ["turn"]
    budget.new_turn()
    for _ in range(5):
        budget.take()
    assert told == ["turn", "minute"]
    clock.now_s += 61
    budget.new_turn()
    assert budget.take()
    assert told == ["turn", "minute"]


@pytest.mark.parametrize(("limits", "name"), [((0, 5), "most_a_turn"), ((3, -1), "most_a_minute")])
def test_a_limit_below_one_is_refused_by_name(limits: tuple[int, int], name: str) -> None:
    """No speculation at all is another switch."""
    with pytest.raises(ValueError, match=f"{name}: must be 1 or more, got {min(limits)}"):
        SpeculationBudget(*limits)


def test_the_calls_of_a_turn() -> None:
    """A kept reply is no call on top; a turn without one costs a call at its commit."""
    assert (TurnCost(begun=2, kept=True, refused=0, vetoed=0).calls, TurnCost(2, True, 0, 0).thrown_away) == (2, 1)
    assert (TurnCost(begun=2, kept=False, refused=0, vetoed=0).calls, TurnCost(2, False, 0, 0).thrown_away) == (3, 2)
    assert TurnCost(begun=0, kept=False, refused=1, vetoed=1).calls == 1


def test_the_calls_a_turn_of_a_whole_call() -> None:
    """Two turns, three begun, one kept: four calls."""
    assert SpeculationCounts().calls_a_turn == 0
    assert SpeculationCounts(turns=2, begun=3, kept=1, thrown_away=2).calls_a_turn == 2.0
