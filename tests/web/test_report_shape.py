"""What a page's report may be, without a browser."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from rooms.replies import Refusal
from web.reports.desk import heard
from web.reports.shape import read_report

NO_LATENCY = {"count": 0, "last_ms": None, "p50_ms": None, "p90_ms": None, "p99_ms": None}
START = {
    "v": 1,
    "kind": "start",
    "t0": "dispatch",
    "labels": {"account": "a"},
    "spans": [{"name": "room", "begin_ms": 0.0, "end_ms": None, "failed": None}],
    "marks": [{"name": "first_audible_sample", "at_ms": 90.4}],
}


def report(**call: object) -> dict[str, Any]:
    """A report as a page sends it, with these in its call."""
    timings = dict.fromkeys(
        (
            "token_ms",
            "microphone_ms",
            "joining_ms",
            "posted_ms",
            "answered_ms",
            "connected_ms",
            "agent_track_ms",
            "first_word_ms",
        )
    )
    return {
        "v": 1,
        "made_at": "2026-11-22T07:00:00.000Z",
        "uptime_s": 12.5,
        "call": {
            "n": 1,
            "transport": "livekit",
            "room": "room",
            "identity": "caller",
            "outcome": "ended",
            "failure": None,
            "began_at": "2026-11-22T06:59:50.000Z",
            "length_s": 10,
            "timings": timings | {"first_word_ms": 150.6},
            "notices": [],
            "microphone": None,
            "gaps_ms": [800, 600.5, 700],
            "audio": None,
            **call,
        },
        "latencies": {"audio.first_word": NO_LATENCY},
        "attempts": {"call": {"succeeded": 1, "failed": 0, "share": 1}},
        "gaps": None,
        "errors": [],
        "timelines": [START],
        "timelines_left_out": 0,
    }


def test_the_line_meets_the_agents_own() -> None:
    """The caller's first word stands beside the agent's, and what lies between them; what is unknown is left out."""
    assert heard(read_report(report())) == {
        "transport": "livekit",
        "outcome": "ended",
        "seconds": 10.0,
        "first_word_ms": 151,
        "agent_first_word_ms": 90,
        "way_ms": 60,
        "gap_p50_ms": 700,
    }
    bare = report(gaps_ms=[], outcome="failed", failure="no-agent")
    bare["timelines"] = []
    bare["call"]["timings"]["first_word_ms"] = None
    assert heard(read_report(bare)) == {
        "transport": "livekit",
        "outcome": "failed",
        "failure": "no-agent",
        "seconds": 10.0,
    }


@pytest.mark.parametrize(
    ("path", "value", "allowed"),
    [
        ("v", 2, "Input should be 1"),
        ("call", None, "Input should be a valid dictionary or instance of CallPart"),
        ("call.transport", "sip", "Input should be 'livekit' or 'whip'"),
        ("call.length_s", -1, "Input should be greater than or equal to 0"),
        ("call.timings.first_word_ms", "150", "Input should be a valid number"),
        ("call.timings.first_word_ms", True, "Input should be a valid number"),
        ("call.failure", "no agent\nforged line", "String should match pattern '^[a-z][a-z0-9_.-]{0,39}$'"),
        ("call.gaps_ms", [1.0] * 201, "List should have at most 200 items after validation, not 201"),
        ("call.extra", 1, "Extra inputs are not permitted"),
        ("call.room", "r" * 129, "String should have at most 128 characters"),
        ("timelines.0.marks.0.at_ms", 1e12, "Input should be less than or equal to 86400000"),
        ("timelines.0.v", None, "Input should be 1"),
        ("uptime_s", float("inf"), "Input should be a finite number"),
    ],
)
def test_what_is_wrong_is_named(path: str, value: object, allowed: str) -> None:
    """Field, value (its beginning) and what is allowed; nothing is converted."""
    wrong = copy.deepcopy(report())
    place: Any = wrong
    *way, last = path.split(".")
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[last] = value
    with pytest.raises(Refusal) as refused:
        read_report(wrong)
    assert refused.value.status == 400
    assert refused.value.field == f"report.{path}"
    assert refused.value.allowed == allowed
    assert len(str(refused.value.value)) <= 80


def test_what_is_missing_is_named() -> None:
    """A report without one of its fields is none."""
    wrong = report()
    del wrong["call"]["timings"]["token_ms"]
    with pytest.raises(Refusal, match=r"report\.call\.timings\.token_ms: Field required"):
        read_report(wrong)
