"""Quantiles and ratios of samples. Pure; samples are milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Quantiles:
    """What `n` samples say. With a small n the p99 is the largest sample or close to it."""

    n: int
    p50_ms: float
    p90_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Ratios:
    """Peer divided by this project: 2.0 is twice as fast."""

    p50: float
    p90: float


@dataclass(frozen=True)
class Comparison:
    """One measure of both sides, taken in turns in the same run. A side without samples is None."""

    measure: str
    starter: Quantiles | None
    firstword: Quantiles | None
    floor: Quantiles | None
    ratios: Ratios | None


def quantiles(samples_ms: Sequence[float]) -> Quantiles | None:
    """None without samples; between two samples the quantile is interpolated."""
    if not samples_ms:
        return None
    p50, p90, p99 = (float(value) for value in np.percentile(np.asarray(samples_ms, np.float64), (50, 90, 99)))
    return Quantiles(len(samples_ms), p50, p90, p99)


def compare(
    measure: str, starter_ms: Sequence[float], firstword_ms: Sequence[float], floor_ms: Sequence[float]
) -> Comparison:
    starter, firstword = quantiles(starter_ms), quantiles(firstword_ms)
    return Comparison(measure, starter, firstword, quantiles(floor_ms), _ratios(starter, firstword))


def _ratios(starter: Quantiles | None, firstword: Quantiles | None) -> Ratios | None:
    if starter is None or firstword is None or firstword.p50_ms <= 0 or firstword.p90_ms <= 0:
        return None
    return Ratios(starter.p50_ms / firstword.p50_ms, starter.p90_ms / firstword.p90_ms)


def growth(values: Sequence[float]) -> float | None:
    """Median of the last third less the median of the first third; None below three values."""
    third = len(values) // 3
    if third == 0:
        return None
    return float(np.median(values[-third:]) - np.median(values[:third]))
