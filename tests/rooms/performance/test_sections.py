"""The four sections: their defaults, what they refuse, and that they cannot be changed in place."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from rooms.performance.sections import AudioConfig, ConnectionPool, Performance, QualityMonitoring, RoomLimits


def test_the_defaults_are_the_documented_ones() -> None:
    """As the control plane's users know them."""
    assert (ConnectionPool().pool_size, ConnectionPool().most, ConnectionPool().health_interval_s) == (5, 10, 30)
    limits = RoomLimits()
    assert (limits.max_rooms, limits.max_participants_per_room) == (10, 50)
    assert (limits.max_audio_tracks_per_room, limits.max_video_tracks_per_room) == (20, 10)
    audio = AudioConfig()
    assert (audio.target_latency_ms, audio.buffer_size_ms, audio.jitter_buffer_ms) == (50, 20, 100)
    assert (audio.echo_cancellation, audio.noise_suppression, audio.auto_gain_control) == (True, True, True)
    quality = QualityMonitoring()
    assert (quality.interval_s, quality.excellent, quality.good, quality.fair) == (10, 0.9, 0.7, 0.5)
    assert quality.min_success_rate == 0.95


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"connection_pool": {"max_pool_size": 3}}, "max_pool_size: got 3, must be 5"),
        ({"audio_optimization": {"target_latency_ms": 101}}, "target_latency_ms: got 101, must be at most 100"),
        ({"audio_optimization": {"buffer_size_ms": 15}}, "buffer_size_ms"),
        ({"quality_monitoring": {"good": 0.9}}, "excellent 0.9, good 0.9, fair 0.5"),
        ({"quality_monitoring": {"interval_s": float("inf")}}, "interval_s"),
        ({"connection_pool": {"more_urls": ["livekit.example"]}}, "more_urls"),
        ({"room_limits": {"max_room": 3}}, "max_room"),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, Any], named: str) -> None:
    """Alone or beside another value; a misspelt name, too."""
    with pytest.raises(ValidationError, match=named):
        Performance.model_validate(changes)


def test_a_section_is_not_changed_in_place() -> None:
    """A change is a new one, which is judged as a whole."""
    with pytest.raises(ValidationError, match="frozen"):
        RoomLimits().max_rooms = 11  # pyright: ignore[reportAttributeAccessIssue]  # what must fail
