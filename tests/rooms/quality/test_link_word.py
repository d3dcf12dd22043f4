"""What the page is told."""

from __future__ import annotations

import json

import pytest
from livekit import rtc

from rooms.performance.sections import AudioConfig
from rooms.quality.call_link import ParticipantQuality, RoomQuality
from rooms.quality.link_word import ATTRIBUTE, link_word, playout_delay_ms, tell

AUDIO = AudioConfig(target_latency_ms=40, jitter_buffer_ms=120)


def quality(jitter_ms: float) -> RoomQuality:
    ada = ParticipantQuality("ada", False, "good", 0.1234, jitter_ms, 240.4, 0.4, "poor")
    agent = ParticipantQuality("agent", True, "good", 0.0, 1.0, 240.4, 0.8, "good")
    return RoomQuality("r", (ada, agent), 0.4, "poor", 0.9)


@pytest.mark.parametrize(("jitter_ms", "expected_ms"), [(0, 120), (10, 120), (40, 250), (1000, 360)])
def test_a_strained_buffer_follows_the_jitter(jitter_ms: float, expected_ms: int) -> None:
    """Six jitters in steps of 50, within one and three times `jitter_buffer_ms`."""
    assert playout_delay_ms("strained", quality(jitter_ms), AUDIO) == expected_ms
    assert playout_delay_ms("usual", quality(jitter_ms), AUDIO) == AUDIO.target_latency_ms


def test_the_word_is_json_of_the_worst() -> None:
    """The fields of the module's docstring, with the figures of the worst participant."""
    assert json.loads(link_word("strained", 250, quality(31.4))) == {
        "v": 1,
        "state": "strained",
        "playout_delay_ms": 250,
        "grade": "poor",
        "loss": 0.123,
        "jitter_ms": 31,
        "round_trip_ms": 240,
    }
    nobody = json.loads(link_word("usual", 40, RoomQuality("r")))
    assert (nobody["grade"], nobody["loss"]) == (None, None)


async def test_nobody_is_told_in_a_closed_room() -> None:
    """False, so that it is said again, and no error."""
    assert not await tell(rtc.Room(), "{}")
    assert ATTRIBUTE == "firstword.link"
