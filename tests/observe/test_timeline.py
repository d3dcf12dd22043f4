"""The timeline: exact numbers from a clock that stands still until it is moved."""

from __future__ import annotations

import json

import pytest

from observe.timeline import Timeline


class Clock:
    """Moves by hand, in ms from its begin."""

    def __init__(self) -> None:
        self.ms = 0.0

    def __call__(self) -> float:
        return 1000.0 + self.ms / 1000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timeline(clock: Clock) -> Timeline:
    return Timeline(1000.0, clock_s=clock)


def test_stages_side_by_side(clock: Clock, timeline: Timeline) -> None:
    """Each has its own begin and end, in the order in which they began."""
    clock.ms = 2
    with timeline.span("room"):
        clock.ms = 5
        with timeline.span("account"):
            clock.ms = 20
        clock.ms = 48
    timeline.add_span("dispatch", 1000.0, 1000.002)
    found = [(span.name, span.begin_ms, span.end_ms, span.failed) for span in timeline.spans]
    assert [(name, pytest.approx(begin), pytest.approx(end), failed) for name, begin, end, failed in found] == [
        ("room", 2, 48, None),
        ("account", 5, 20, None),
        ("dispatch", 0, 2, None),
    ]


def test_a_stage_that_raises_ends_and_says_why(clock: Clock, timeline: Timeline) -> None:
    """The exception passes through; its text, which may hold a key, is not kept."""

    def stage() -> None:
        with timeline.span("greeting"):
            clock.ms = 7
            raise KeyError("secret")

    with pytest.raises(KeyError):
        stage()
    span = timeline.spans[0]
    assert (span.end_ms, span.failed) == (pytest.approx(7), "KeyError")


def test_a_stage_can_say_itself_that_it_gave_nothing(timeline: Timeline) -> None:
    """An expected failure is a value."""
    with timeline.span("account") as span:
        span.failed = "unknown number"
    assert timeline.spans[0].failed == "unknown number"


def test_a_stage_that_has_not_ended_has_no_end(timeline: Timeline) -> None:
    """The report can be made in the middle of it."""
    with timeline.span("room"):
        assert timeline.as_dict()["spans"] == [{"name": "room", "begin_ms": 0.0, "end_ms": None, "failed": None}]


def test_only_the_first_mark_of_a_name_counts(clock: Clock, timeline: Timeline) -> None:
    """The first word is the first one, however many follow."""
    clock.ms = 120
    timeline.mark("first_audible_sample")
    clock.ms = 3000
    timeline.mark("first_audible_sample")
    timeline.mark("caller_joined", 1000.05)
    assert timeline.get("first_audible_sample") == pytest.approx(120)
    assert timeline.get("caller_joined") == pytest.approx(50)
    assert timeline.get("never") is None
    assert len(timeline.marks) == 2


def test_times_of_the_wall_clock(clock: Clock, timeline: Timeline) -> None:
    """Before the zero is negative; now is by the clock."""
    clock.ms = 33
    assert timeline.at_ms(999.99) == pytest.approx(-10)
    assert timeline.now_ms() == pytest.approx(33)


def test_as_plain_data(clock: Clock, timeline: Timeline) -> None:
    """JSON takes it; times are rounded to a tenth of a millisecond."""
    with timeline.span("room"):
        clock.ms = 48.2345
    timeline.mark("caller_subscribed")
    assert json.loads(json.dumps(timeline.as_dict())) == {
        "zero_s": 1000.0,
        "spans": [{"name": "room", "begin_ms": 0.0, "end_ms": 48.2, "failed": None}],
        "marks": [{"name": "caller_subscribed", "at_ms": 48.2}],
    }


def test_two_timelines_share_nothing() -> None:
    """Each call has its own lists."""
    one, other = Timeline(0.0), Timeline(0.0)
    one.mark("x", 1.0)
    assert other.marks == []
