"""Silences of a call, from the audible spans that its caller heard. Pure; seconds on any one clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

Spans: TypeAlias = "Sequence[tuple[float, float | None]]"
"""Begin and end of each, in order; the end is None while it sounds."""


def longest_silence_s(spans: Spans, begin: float, end: float) -> float:
    """The longest time without sound between `begin` and `end`."""
    longest_s, quiet_since = 0.0, begin
    for first, last in spans:
        if first >= end:
            break
        longest_s = max(longest_s, first - quiet_since)
        quiet_since = max(quiet_since, end if last is None else last)
    return max(longest_s, end - quiet_since)


def onset(spans: Spans, since: float) -> float | None:
    """When the first span from `since` on began."""
    return next((first for first, _ in spans if first >= since), None)


def silence_before_s(spans: Spans, at: float) -> float | None:
    """How long it was quiet before the first span from `at` on; None without sound on both sides of it."""
    begin = onset(spans, at)
    before = [last for first, last in spans if begin is not None and first < begin and last is not None]
    return None if begin is None or not before else begin - max(before)
