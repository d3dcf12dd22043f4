"""What a step is worth: the difference of two medians, and how far chance alone could move it. Pure; milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.first_word.results import Step

FEWEST = 5
"""Below this many samples a side, resampling says nothing about chance."""
DRAWS = 2000
INTERVAL = (5, 95)


@dataclass(frozen=True)
class Effect:
    """The median of the slower side less that of the faster. The interval is None with too few samples."""

    ms: float
    interval_ms: tuple[float, float] | None

    @property
    def is_clear(self) -> bool:
        """Whether the interval lies on one side of zero."""
        return self.interval_ms is not None and (self.interval_ms[0] > 0 or self.interval_ms[1] < 0)


def effect(slower_ms: Sequence[float], faster_ms: Sequence[float]) -> Effect | None:
    """None where a side has no samples. The interval holds 90 % of the differences of resampled medians."""
    if not slower_ms or not faster_ms:
        return None
    difference = float(np.median(slower_ms) - np.median(faster_ms))
    if min(len(slower_ms), len(faster_ms)) < FEWEST:
        return Effect(difference, None)
    # A fixed seed: the same samples give the same report.
    chance = np.random.default_rng(1)
    drawn = [np.median(chance.choice(side, (DRAWS, len(side))), axis=1) for side in (slower_ms, faster_ms)]
    low, high = (float(value) for value in np.percentile(drawn[0] - drawn[1], INTERVAL))
    return Effect(difference, (low, high))


def lost(step: Step) -> Effect | None:
    """What goes when only this step is switched off."""
    return effect(step.without_ms, step.all_ms)


def gained(step: Step) -> Effect | None:
    """What comes when only this step is switched on."""
    return effect(step.none_ms, step.alone_ms)
