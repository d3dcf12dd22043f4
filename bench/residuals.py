"""Whether a call's timeline adds up: what the agent says that happened, against what the caller heard.

A residual is the caller's measure less the agent's figure and the way between them. Zero: the timeline tells
exactly what was heard; positive: the caller waited longer than the timeline says.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sim.caller import ReceivedText

GOAL_MS = 30.0


@dataclass(frozen=True)
class Residuals:
    """In ms. A turn without a figure of the agent's is not among the turns."""

    first_word_ms: float | None
    turns_ms: tuple[float, ...]


def wall_offset_s() -> float:
    """What to add to a `time.perf_counter()` for the `time.time()` of the same moment."""
    return min(time.time() - time.perf_counter() for _ in range(5))


def message(text: ReceivedText, topic: str) -> dict[str, Any] | None:
    """The JSON object of a finished text of `topic`; None for any other text."""
    if text.topic != topic or not text.final:
        return None
    content = json.loads(text.text)
    return content if isinstance(content, dict) else None


def first_word_residual_ms(start: dict[str, Any], heard_at_s: float, downlink_ms: float) -> float | None:
    """`heard_at_s`: the caller's first audible sample as a `time.time()`."""
    left_ms = next((mark["at_ms"] for mark in start["marks"] if mark["name"] == "first_audible_sample"), None)
    if left_ms is None:
        return None
    return (heard_at_s - start["zero_s"]) * 1000 - float(left_ms) - downlink_ms


def turn_residual_ms(turn: dict[str, Any], gap_ms: float, uplink_ms: float, downlink_ms: float) -> float | None:
    """`gap_ms`: the response gap that the caller measured."""
    told_ms = turn.get("gap_ms")
    return None if told_ms is None else gap_ms - float(told_ms) - uplink_ms - downlink_ms
