"""What a step is worth, and whether chance could have made it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bench.first_word.effect import FEWEST, effect, gained, lost
from tests.bench.first_word.example import example_report

STEP = replace(
    example_report().steps[0], all_ms=[300.0] * 6, without_ms=[360.0] * 6, none_ms=[1000.0] * 6, alone_ms=[950.0] * 6
)


def test_lost_and_gained_are_worth_more_than_nothing() -> None:
    """Slower without it is a loss, faster with it alone a gain: both positive."""
    loss, gain = lost(STEP), gained(STEP)
    assert loss is not None
    assert gain is not None
    assert (loss.ms, gain.ms) == (60.0, 50.0)
    assert loss.interval_ms == (60.0, 60.0)
    assert loss.is_clear


def test_two_sets_that_do_not_differ_are_not_clear() -> None:
    """The interval of one and the same spread holds zero."""
    samples_ms = [280.0, 290.0, 300.0, 310.0, 320.0, 330.0]
    found = effect(samples_ms, samples_ms)
    assert found is not None
    assert found.interval_ms is not None
    low, high = found.interval_ms
    assert low < 0 < high
    assert not found.is_clear


def test_a_step_that_costs_is_clear_too() -> None:
    """An interval below zero says as much as one above."""
    found = effect([100.0, 101, 102, 103, 104, 105], [200.0, 201, 202, 203, 204, 205])
    assert found is not None
    assert found.ms == pytest.approx(-100.0)
    assert found.is_clear


def test_the_same_samples_give_the_same_interval() -> None:
    """A report that is made again does not change."""
    step = example_report().steps[0]
    assert lost(step) == lost(step)


def test_few_calls_have_no_interval() -> None:
    """One sample less than the fewest on one side, and nothing is claimed about chance."""
    found = effect([9.0] * (FEWEST - 1), [1.0] * 50)
    assert found is not None
    assert (found.ms, found.interval_ms, found.is_clear) == (8.0, None, False)


def test_what_was_not_measured_is_no_effect() -> None:
    """A side without samples gives None, never zero."""
    assert effect([], [1.0]) is None
    assert lost(replace(STEP, without_ms=[])) is None
