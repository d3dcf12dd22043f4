"""The agent's timeline on the caller's axis."""

from __future__ import annotations

from typing import Any

import pytest

from bench.first_word.calls import Heard
from bench.first_word.results import Span
from bench.first_word.waterfalls import waterfall


def start(zero_s: float) -> dict[str, Any]:
    return {
        "zero_s": zero_s,
        "spans": [
            {"name": "room", "begin_ms": 0.0, "end_ms": 30.0, "failed": None},
            {"name": "session", "begin_ms": 5.0, "end_ms": None, "failed": None},
        ],
        "marks": [{"name": "first_frame", "at_ms": 100.0}],
    }


def heard(ttfw_ms: float, zero_s: float = 1000.5) -> Heard:
    return Heard(ttfw_ms, ttfw_ms, 40.0, 1000.0, start(zero_s))


def test_the_agents_times_count_from_the_connect_call() -> None:
    """Dispatched 500 ms after it: all its times are 500 ms later; a span without an end is left out."""
    found = waterfall("join", "join", [heard(700.0)])
    assert found is not None
    assert found.spans[0] == Span("caller connects", 0.0, 40.0)
    (room,) = found.spans[1:]
    assert (room.name, room.begin_ms, room.end_ms) == ("room", pytest.approx(500.0), pytest.approx(530.0))
    assert found.marks == {"first_frame": pytest.approx(600)}
    assert found.ttfw_ms == 700.0


def test_an_agent_that_waited_was_there_before() -> None:
    """What happened before the connect call is negative."""
    found = waterfall("standby", "standby", [heard(80.0, zero_s=980.0)])
    assert found is not None
    assert found.spans[1].begin_ms == pytest.approx(-20_000)


def test_the_typical_call_is_the_median_one() -> None:
    """Neither the fastest nor the slowest; failed calls and those that told nothing are none."""
    calls = [heard(900.0), heard(100.0), heard(300.0), Heard(200.0), Heard(failed="nobody")]
    found = waterfall("join", "join", calls)
    assert found is not None
    assert found.ttfw_ms == 300.0
    assert waterfall("join", "join", calls[3:]) is None
