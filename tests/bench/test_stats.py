"""Quantiles, ratios and growth are exact and say when there is nothing to tell."""

from __future__ import annotations

import pytest

from bench.stats import Quantiles, compare, growth, quantiles


def test_quantiles_are_interpolated() -> None:
    """The 50th, 90th and 99th percentile of 0 to 100 are those numbers, in any order of the samples."""
    assert quantiles([float(value) for value in range(100, -1, -1)]) == Quantiles(101, 50.0, 90.0, 99.0)


def test_no_samples_have_no_quantiles() -> None:
    """Nothing measured is None, not zero."""
    assert quantiles([]) is None


def test_a_ratio_above_one_means_the_project_is_faster() -> None:
    """The ratio is the starter's time divided by the project's."""
    compared = compare("gap", [900.0, 900.0], [300.0, 300.0], [100.0])
    assert compared.ratios is not None
    assert (compared.ratios.p50, compared.ratios.p90) == (3.0, 3.0)


@pytest.mark.parametrize(("starter", "firstword"), [([], [1.0]), ([1.0], []), ([1.0], [0.0])])
def test_without_two_sides_there_is_no_ratio(starter: list[float], firstword: list[float]) -> None:
    """A side that measured nothing, or a time of zero, gives no ratio."""
    assert compare("gap", starter, firstword, []).ratios is None


def test_growth_is_between_the_thirds() -> None:
    """One outlier does not count, a steady rise does."""
    assert growth([5.0, 5.0, 5.0, 90.0, 5.0, 5.0, 5.0, 5.0, 5.0]) == 0.0
    assert growth([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]) == 4.0


def test_two_values_cannot_grow() -> None:
    """Below three values there are no thirds."""
    assert growth([1.0, 9.0]) is None
