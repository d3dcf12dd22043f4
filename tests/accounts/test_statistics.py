"""Differences, their chance, and how often a verdict is false."""

from __future__ import annotations

import numpy as np
import pytest

from accounts.report import build_report
from accounts.statistics import Difference, Group, chance_of_sizes, corrected, difference, verdict
from tests.accounts.trials import Trial

RESAMPLES = 399
"""Little time, and enough for a p-value that stays below 5 % when it is corrected for seven measures."""


def times(values: list[float], units: list[int] | None = None) -> Group:
    own = range(len(values)) if units is None else units
    return Group(np.asarray(values, np.float64), np.asarray(own, np.int64), len(values))


def rates(values: list[float], per: list[float]) -> Group:
    return Group(np.asarray(values, np.float64), np.arange(len(values)), len(values), np.asarray(per, np.float64))


def around(middle: float, count: int = 60, seed: int = 1) -> list[float]:
    return [float(each) for each in np.random.default_rng(seed).normal(middle, 20.0, count)]


def test_a_difference_of_times() -> None:
    """Variant less control, with an interval around it; a clear one is no chance."""
    found = difference(times(around(300.0)), times(around(500.0, seed=2)), resamples=RESAMPLES)
    assert found is not None
    assert 190 < found.low < found.by < found.high < 210
    assert found.p < 0.01
    assert verdict(found, found.p) == "worse"


def test_a_call_that_hung_does_not_decide() -> None:
    """The slowest 5 % count as the limit to them: a minute in one of sixty calls moves nothing much."""
    hung = [*around(300.0)[:-1], 60_000.0]
    found = difference(times(around(300.0, seed=2)), times(hung), resamples=RESAMPLES)
    assert found is not None
    assert abs(found.by) < 20


def test_a_gain_of_some_replies_is_seen() -> None:
    """Three of ten replies that begin at once leave the median nearly where it was."""
    some = [each - 600.0 if number % 10 < 3 else each for number, each in enumerate(around(800.0, 200))]
    found = difference(times(around(800.0, 200, seed=2)), times(some), resamples=RESAMPLES)
    assert found is not None
    assert -240 < found.low < found.by < found.high < -120


def test_a_difference_of_rates() -> None:
    """Sums divided, so that a long call counts for more than a short one."""
    control, variant = rates([1.0, 0.0] * 30, [10.0, 90.0] * 30), rates([1.0, 3.0] * 30, [10.0, 90.0] * 30)
    found = difference(control, variant, resamples=RESAMPLES)
    assert found is not None
    assert found.by == pytest.approx(0.04 - 0.01)
    assert 0.015 < found.low < found.by < found.high < 0.045


def test_calls_of_one_unit_are_not_as_many_findings() -> None:
    """Sixty calls of twelve accounts that differ are twelve values, and not sixty."""
    rng = np.random.default_rng(3)
    units = [number // 5 for number in range(60)]
    own = rng.normal(300, 60, 24)
    control = [float(own[unit]) + float(rng.normal(0, 3)) for unit in units]
    variant = [float(own[unit + 12]) + float(rng.normal(0, 3)) for unit in units]
    alone = difference(times(control), times(variant), resamples=RESAMPLES)
    together = difference(times(control, units), times(variant, units), resamples=RESAMPLES)
    assert alone is not None
    assert together is not None
    assert together.by == pytest.approx(alone.by)
    assert together.high - together.low > 1.6 * (alone.high - alone.low)
    assert together.p > alone.p


@pytest.mark.parametrize(
    ("values", "units"),
    [(around(300.0, 29), None), (around(300.0, 60), [number % 9 for number in range(60)]), ([], None)],
)
def test_too_few(values: list[float], units: list[int] | None) -> None:
    """Below 30 calls, or below 10 accounts, no difference is computed, on either side."""
    few, enough = times(values, units), times(around(500.0))
    assert not few.enough
    assert difference(few, enough) is None
    assert difference(enough, few) is None


def test_what_never_happened_is_no_question() -> None:
    """It is left out, so that nothing else has to be the surer for it."""
    nothing, something = rates([0.0] * 40, [1.0] * 40), rates([0.0] * 39 + [1.0], [1.0] * 40)
    assert difference(nothing, nothing) is None
    assert difference(nothing, something, resamples=RESAMPLES) is not None


def test_the_same_calls_give_the_same_figures() -> None:
    """A report that is made again says the same."""
    one, other = times(around(300.0)), times(around(310.0, seed=2))
    assert difference(one, other, resamples=RESAMPLES) == difference(one, other, resamples=RESAMPLES)


def test_holms_correction() -> None:
    """The example of textbooks: each as often as there are ones that are not smaller, and never falling."""
    assert corrected([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert corrected([0.6, 0.9]) == [1.0, 1.0]
    assert corrected([]) == []


def test_a_verdict_needs_both() -> None:
    """A small corrected p-value, and an interval without zero. Less is better."""
    assert verdict(Difference(-12.0, -20.0, -5.0, 0.001), 0.004) == "better"
    assert verdict(Difference(12.0, 5.0, 20.0, 0.001), 0.004) == "worse"
    assert verdict(Difference(12.0, 5.0, 20.0, 0.02), 0.08) == "no difference found"
    assert verdict(Difference(12.0, -1.0, 20.0, 0.02), 0.04) == "no difference found"


def test_sizes_that_do_not_fit_the_weights() -> None:
    """A variant whose calls are lost shows in its size."""
    assert chance_of_sizes([510, 490], [50.0, 50.0]) > 0.4
    assert chance_of_sizes([600, 400], [50.0, 50.0]) < 0.001
    assert chance_of_sizes([90, 10, 0], [90.0, 10.0, 0.0]) == pytest.approx(1.0)
    assert chance_of_sizes([0, 0], [50.0, 50.0]) == 1.0


@pytest.mark.parametrize("trial", [Trial(calls=120), Trial(calls=240, accounts=30)], ids=["by call", "by account"])
def test_where_nothing_differs_nothing_is_found(trial: Trial) -> None:
    """In 40 experiments of seven measures each, false verdicts are as rare as is stated: 5 % of the experiments."""
    false = sum(_finds(trial, seed) for seed in range(40))
    assert false <= 5  # of 40 with 5 % each, more have a chance of one in seventy


def test_a_true_effect_is_found() -> None:
    """15 % longer times, in 600 calls: found in at least eight of ten experiments, and in its direction."""
    trial = Trial(calls=600, slower=0.15)
    assert sum(_finds(trial, seed, "response gap", "worse") for seed in range(10)) >= 8


def _finds(trial: Trial, seed: int, measure: str | None = None, said: str | None = None) -> bool:
    found = build_report("trial", trial.run(seed), trial.experiment, resamples=RESAMPLES).findings
    return any(
        each.verdict in (("better", "worse") if said is None else (said,)) and measure in (None, each.measure.title)
        for each in found
    )
