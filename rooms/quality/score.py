"""One number for how well it goes: 1 is perfect, 0 is nothing at all.

    score = success_rate ** 4 / (1 + (latency / half) ** 2)

It falls with each failure and each millisecond, and neither can make up for the other. With no latency a success rate
of 0.95 gives 0.81, 0.9 gives 0.66 and 0.8 gives 0.41: as with speech, of which a twentieth may be lost, but not a
fifth. `half` is the latency that halves it; a fifth of that costs 4 %.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from rooms.performance.sections import QualityMonitoring

Grade = Literal["excellent", "good", "fair", "poor"]
GRADES: tuple[Grade, ...] = ("excellent", "good", "fair", "poor")

SUCCESS_POWER = 4
API_HALF_MS = 1000.0
"""Of a request to LiveKit's API."""
LINK_HALF_MS = 500.0
"""Of sound, there and back: over 250 ms one way people begin to talk over each other (ITU-T G.114)."""


def quality_score(success_rate: float, latency_ms: float, *, half_ms: float) -> float:
    """0 to 1. `success_rate` is a share, of requests or packets. Raises ValueError for what cannot be measured."""
    if not 0 <= success_rate <= 1:
        raise ValueError(f"success_rate: got {success_rate}, allowed: 0 to 1")
    if not (math.isfinite(latency_ms) and latency_ms >= 0):
        raise ValueError(f"latency_ms: got {latency_ms}, allowed: 0 or more")
    if not (math.isfinite(half_ms) and half_ms > 0):
        raise ValueError(f"half_ms: got {half_ms}, allowed: above 0")
    return success_rate**SUCCESS_POWER / (1 + (latency_ms / half_ms) ** 2)


def grade(score: float, thresholds: QualityMonitoring) -> Grade:
    """The best grade whose threshold `score` reaches."""
    if score >= thresholds.excellent:
        return "excellent"
    if score >= thresholds.good:
        return "good"
    return "fair" if score >= thresholds.fair else "poor"
