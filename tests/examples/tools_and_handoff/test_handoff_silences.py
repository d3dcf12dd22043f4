"""Silences between what a caller heard."""

from __future__ import annotations

from examples.tools_and_handoff.silences import longest_silence_s, onset, silence_before_s

SPANS = [(1.0, 2.0), (2.5, 3.0), (6.0, None)]


def test_the_longest_silence_lies_between_the_limits() -> None:
    """Sound before the begin and behind the end does not count, and the way to either limit does."""
    assert longest_silence_s(SPANS, 0.5, 5.0) == 2.0
    assert longest_silence_s(SPANS, 0.5, 7.0) == 3.0
    assert longest_silence_s(SPANS, 1.5, 2.9) == 0.5
    assert longest_silence_s([], 1.0, 4.0) == 3.0


def test_the_silence_before_a_word() -> None:
    """It is measured from the end of the sound before; without any there is none."""
    assert onset(SPANS, 2.1) == 2.5
    assert silence_before_s(SPANS, 2.1) == 0.5
    assert silence_before_s(SPANS, 0.0) is None
    assert silence_before_s(SPANS, 7.0) is None
