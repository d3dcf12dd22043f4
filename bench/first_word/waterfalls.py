"""One typical call as the caller saw it: the agent's own timeline on the caller's time axis. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bench.first_word.results import Span, Waterfall

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.first_word.calls import Heard
    from bench.first_word.results import Arrival

CALLER_SPAN = "caller connects"


def waterfall(title: str, arrival: Arrival, calls: Iterable[Heard]) -> Waterfall | None:
    """The completed call nearest to the median; None if no call told its timeline."""
    told = [call for call in calls if call.failed is None and call.start is not None]
    if not told:
        return None
    median_ms = float(np.median([call.ttfw_ms for call in told]))
    typical = min(told, key=lambda call: abs(call.ttfw_ms - median_ms))
    assert typical.start is not None
    return on_callers_axis(title, arrival, typical, typical.start)


def on_callers_axis(title: str, arrival: Arrival, call: Heard, start: dict[str, Any]) -> Waterfall:
    """0 ms is the connect call. Caller and agent share a machine, so that their wall clocks are one."""
    later_ms = (float(start["zero_s"]) - call.called_at_s) * 1000
    spans = tuple(
        Span(str(span["name"]), float(span["begin_ms"]) + later_ms, float(span["end_ms"]) + later_ms)
        for span in start["spans"]
        if span["end_ms"] is not None
    )
    marks = {str(mark["name"]): float(mark["at_ms"]) + later_ms for mark in start["marks"]}
    return Waterfall(title, arrival, call.ttfw_ms, (Span(CALLER_SPAN, 0.0, call.connect_ms), *spans), marks)
