"""What is told to the page over many looks."""

from __future__ import annotations

import json
from random import Random

from rooms.performance.sections import AudioConfig, QualityMonitoring
from rooms.quality.call_link import ParticipantQuality, RoomQuality, Verdict
from rooms.quality.strain import Strain

AUDIO = AudioConfig(target_latency_ms=50, jitter_buffer_ms=100)
THRESHOLDS = QualityMonitoring()


def look(strain: Strain, score: float | None, jitter_ms: float = 5.0, verdict: Verdict = "good") -> tuple[str, int]:
    """State and delay of the word that this look brings; ("", 0) for none."""
    ada = ParticipantQuality("ada", False, verdict, 0.1, jitter_ms, 100.0, score, None)
    word = strain.looked(RoomQuality("r", (ada,), score), THRESHOLDS)
    return ("", 0) if word is None else (json.loads(word)["state"], json.loads(word)["playout_delay_ms"])


def test_a_bad_look_is_told_once_and_its_end_once() -> None:
    """Nothing before, nothing between; the end after two looks that are good by some margin."""
    strain = Strain(AUDIO)
    scores = (0.95, 0.6, 0.5, 0.75, 0.85, 0.75, 0.85, 0.85, 0.9)
    told = [look(strain, score) for score in scores]
    assert told == [("", 0), ("strained", 100), *[("", 0)] * 5, ("usual", 50), ("", 0)]
    assert strain.count == 1


def test_the_buffer_only_grows_while_it_lasts() -> None:
    """With the jitter, in steps, and not back with it: each change is heard."""
    strain = Strain(AUDIO)
    told = [look(strain, 0.4, jitter_ms) for jitter_ms in (20, 22, 40, 10, 35, 60)]
    assert told == [("strained", 150), ("", 0), ("strained", 250), ("", 0), ("", 0), ("strained", 300)]


def test_what_only_the_server_sees_counts() -> None:
    """A caller whose own last mile is bad is heard well; the server's verdict begins it, and keeps it from ending."""
    strain = Strain(AUDIO)
    assert look(strain, 1.0, verdict="poor") == ("strained", 100)
    assert [look(strain, 1.0, verdict="poor") for _ in range(5)] == [("", 0)] * 5
    assert [look(strain, 1.0) for _ in range(2)] == [("", 0), ("usual", 50)]


def test_what_was_not_measured_changes_nothing() -> None:
    """Neither way."""
    strain = Strain(AUDIO)
    assert look(strain, None, verdict="lost") == ("", 0)
    look(strain, 0.1)
    assert [look(strain, None) for _ in range(5)] == [("", 0)] * 5
    assert strain.is_on


def test_it_does_not_flap() -> None:
    """A network that is good and bad by chance: a word now and then, and not with each look."""
    random = Random(7)
    strain = Strain(AUDIO)
    told = [look(strain, random.choice((0.5, 0.9))) for _ in range(500)]
    assert sum(word != ("", 0) for word in told) <= 10
