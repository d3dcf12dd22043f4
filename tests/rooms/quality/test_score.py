"""The score: falls with failures and latency, and never leaves 0 to 1."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms.performance.sections import QualityMonitoring
from rooms.quality.score import GRADES, Grade, grade, quality_score

RATES = st.floats(0, 1)
LATENCIES_MS = st.floats(0, 1e6)
HALVES_MS = st.floats(1, 1e5)


@given(RATES, LATENCIES_MS, HALVES_MS)
def test_it_is_a_share(rate: float, latency_ms: float, half_ms: float) -> None:
    """0 to 1, whatever was measured."""
    assert 0 <= quality_score(rate, latency_ms, half_ms=half_ms) <= 1


@given(RATES, RATES, LATENCIES_MS, LATENCIES_MS, HALVES_MS)
def test_it_is_monotone(rate: float, other: float, latency_ms: float, later_ms: float, half_ms: float) -> None:
    """More success is never worse, more latency never better."""
    worse, better = sorted((rate, other))
    sooner_ms, later_ms = sorted((latency_ms, later_ms))
    assert quality_score(worse, latency_ms, half_ms=half_ms) <= quality_score(better, latency_ms, half_ms=half_ms)
    assert quality_score(rate, later_ms, half_ms=half_ms) <= quality_score(rate, sooner_ms, half_ms=half_ms)


@given(HALVES_MS)
def test_its_corners(half_ms: float) -> None:
    """Nothing lost at once is 1, nothing arrived is 0, and `half_ms` halves."""
    assert quality_score(1, 0, half_ms=half_ms) == 1
    assert quality_score(0, 0, half_ms=half_ms) == 0
    assert quality_score(1, half_ms, half_ms=half_ms) == pytest.approx(0.5)


def test_the_figures_of_its_docstring() -> None:
    """0.95 of the requests, or packets, is good; 0.9 fair; 0.8 poor."""
    thresholds = QualityMonitoring()
    found = [grade(quality_score(rate, 0, half_ms=1), thresholds) for rate in (1.0, 0.95, 0.9, 0.8)]
    assert found == list(GRADES)


@pytest.mark.parametrize(
    ("rate", "latency_ms", "half_ms", "named"),
    [
        (1.1, 0, 1, "success_rate: got 1.1"),
        (-0.1, 0, 1, "success_rate: got -0.1"),
        (float("nan"), 0, 1, "success_rate: got nan"),
        (1, -1, 1, "latency_ms: got -1"),
        (1, float("nan"), 1, "latency_ms: got nan"),
        (1, float("inf"), 1, "latency_ms: got inf"),
        (1, 0, 0, "half_ms: got 0"),
    ],
)
def test_what_cannot_be_measured(rate: float, latency_ms: float, half_ms: float, named: str) -> None:
    """The error names the field, the value and what is allowed."""
    with pytest.raises(ValueError, match=named) as raised:
        quality_score(rate, latency_ms, half_ms=half_ms)
    assert "allowed:" in str(raised.value)


@pytest.mark.parametrize(
    ("score", "expected"),
    [(1, "excellent"), (0.9, "excellent"), (0.89, "good"), (0.7, "good"), (0.5, "fair"), (0.49, "poor"), (0, "poor")],
)
def test_a_grade_begins_at_its_threshold(score: float, expected: Grade) -> None:
    """Each threshold belongs to the better grade."""
    assert grade(score, QualityMonitoring()) == expected


@given(st.floats(0, 1), st.floats(0, 1))
def test_grades_are_in_order(score: float, other: float) -> None:
    """A better score has no worse grade."""
    worse, better = sorted((score, other))
    thresholds = QualityMonitoring(excellent=0.8, good=0.5, fair=0.2)
    assert GRADES.index(grade(better, thresholds)) <= GRADES.index(grade(worse, thresholds))
