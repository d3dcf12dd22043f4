"""The report is plain data with the fields that it promises."""

from __future__ import annotations

import json
from dataclasses import fields

from rooms.quality.api_quality import ApiQuality
from rooms.quality.call_link import ParticipantQuality
from rooms.quality.monitor import QualityMonitor
from rooms.quality.report import ApiStats, ParticipantStats, quality_stats
from tests.rooms.quality.known import known


def test_it_is_json_and_the_worst_counts() -> None:
    """Through JSON and back it is the same; score and grade are the worst there is."""
    stats = quality_stats(known())
    assert json.loads(json.dumps(stats)) == stats
    assert (stats["score"], stats["grade"]) == (0.3, "poor")
    assert [room["room"] for room in stats["rooms"]] == ["new", "worse"]
    assert [room["strained"] for room in stats["rooms"]] == [False, True]
    assert stats["rooms"][1]["participants"][0]["loss"] == 0.2
    assert stats["api"] is not None
    assert stats["api"]["success_rate"] == 0.9
    assert stats["alerts"] == {"api": {"now": 1, "total": 1}, "room": {"now": 0, "total": 0}}


def test_before_anything_was_measured() -> None:
    """None, and not the worst."""
    stats = quality_stats(QualityMonitor())
    assert (stats["score"], stats["grade"], stats["api"], stats["rooms"]) == (None, None, None, [])


def test_the_shapes_are_those_of_the_figures() -> None:
    """A field that is new in one is in the other."""
    assert set(ApiStats.__annotations__) == {field.name for field in fields(ApiQuality)}
    assert set(ParticipantStats.__annotations__) == {field.name for field in fields(ParticipantQuality)}
