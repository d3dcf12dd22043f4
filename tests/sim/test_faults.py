"""Faults as data: made from JSON, checked where they are written."""

from __future__ import annotations

import pytest

from sim.faults import ElevenLabsFaults, FaultError, OpenAiFaults, is_rejected, parse_faults


def test_impossible_faults_are_refused() -> None:
    """A negative count or a status that is no error fails where it is written."""
    with pytest.raises(ValueError, match="reject_status must be between 400 and 599, got 200"):
        ElevenLabsFaults(reject_status=200)
    with pytest.raises(ValueError, match="drop_after_chunks must be >= 0, got -1"):
        ElevenLabsFaults(drop_after_chunks=-1)


def test_faults_are_made_from_json_values() -> None:
    """What is left out is healthy."""
    assert parse_faults(OpenAiFaults, {"drop_after_tokens": 3}) == OpenAiFaults(drop_after_tokens=3)
    assert parse_faults(OpenAiFaults, {}) == OpenAiFaults()


def test_an_unknown_field_is_refused_with_the_known_ones() -> None:
    """A typing error must not look like a healthy provider."""
    with pytest.raises(FaultError, match="OpenAiFaults has no drop_after; allowed: reject_every"):
        parse_faults(OpenAiFaults, {"drop_after": 3})


def test_every_nth_counts_from_one() -> None:
    """Zero means never."""
    assert [is_rejected(count, 3) for count in range(1, 7)] == [False, False, True, False, False, True]
    assert not any(is_rejected(count, 0) for count in range(1, 7))
