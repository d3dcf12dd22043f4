"""A place that blocks again and again is a line a minute with a count, and no block is forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runtime.block_log import Blocker, BlockLog

if TYPE_CHECKING:
    from collections.abc import Callable

TOOL = Blocker("agent.py:42 look_up", "job-a", "room-a")
OTHER_CALL = Blocker("agent.py:42 look_up", "job-b", "room-b")
OTHER_PLACE = Blocker("agent.py:50 greet", "job-a", "room-a")
NOBODY = Blocker("runtime/garbage.py:36 _collect")

NAMES = ("call", "room", "where", "blocked_ms", "others", "times")


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Callable[[], list[tuple[Any, ...]]]:
    caplog.set_level("INFO", logger="runtime")

    def fields() -> list[tuple[Any, ...]]:
        return [tuple(vars(record).get(name) for name in NAMES) for record in caplog.records]

    return fields


def test_the_first_block_of_a_place_is_told_at_once(clock: Clock, told: Callable[[], list[tuple[Any, ...]]]) -> None:
    """Each place for itself; the call that blocks is none of the others."""
    log = BlockLog(lambda: 5, clock_s=clock)
    assert [log.blocked(blocker, 0.1234) for blocker in (TOOL, OTHER_PLACE, NOBODY)] == [True, True, True]
    assert told() == [
        ("job-a", "room-a", "agent.py:42 look_up", 123, 4, 1),
        ("job-a", "room-a", "agent.py:50 greet", 123, 4, 1),
        (None, None, "runtime/garbage.py:36 _collect", 123, 5, 1),
    ]


def test_a_call_that_has_just_ended_makes_no_negative_number(
    clock: Clock, told: Callable[[], list[tuple[Any, ...]]]
) -> None:
    """It is told a moment after it blocked."""
    BlockLog(lambda: 0, clock_s=clock).blocked(TOOL, 0.1)
    assert [line[4] for line in told()] == [0]


def test_the_next_ones_are_one_line_after_the_quiet_time(
    clock: Clock, told: Callable[[], list[tuple[Any, ...]]]
) -> None:
    """With their number and the longest of them; then the quiet time begins again, and ends when nothing came."""
    log = BlockLog(lambda: 2, quiet_s=60, clock_s=clock)
    log.blocked(TOOL, 0.1)
    assert [log.blocked(blocker, s) for blocker, s in ((TOOL, 0.2), (OTHER_CALL, 0.4), (TOOL, 0.3))] == [False] * 3
    clock.now_s = 59.9
    log.flush()
    assert len(told()) == 1
    clock.now_s = 60.0
    log.flush()
    log.flush()
    assert told()[1:] == [("job-b", "room-b", "agent.py:42 look_up", 400, 1, 3)]
    assert not log.blocked(TOOL, 0.1)
    clock.now_s = 120.0
    log.flush()
    assert told()[2:] == [("job-a", "room-a", "agent.py:42 look_up", 100, 1, 1)]
    clock.now_s = 180.0
    log.flush()
    assert log.blocked(TOOL, 0.1)
    assert len(told()) == 4


def test_nothing_that_was_counted_is_lost_at_the_end(clock: Clock, told: Callable[[], list[tuple[Any, ...]]]) -> None:
    """`everything`: also within the quiet time."""
    log = BlockLog(lambda: 1, clock_s=clock)
    log.blocked(TOOL, 0.1)
    log.blocked(TOOL, 0.2)
    log.flush(everything=True)
    assert [line[3:] for line in told()] == [(100, 0, 1), (200, 0, 1)]


@pytest.mark.parametrize(("quiet", "lines"), [(False, [1000, 5000]), (True, [100, 5000])])
def test_the_end_of_a_lasting_block_has_its_whole_length(
    clock: Clock, told: Callable[[], list[tuple[Any, ...]]], quiet: bool, lines: list[int]
) -> None:
    """A line of its own if its begin was told, else the length in the count."""
    log = BlockLog(lambda: 1, clock_s=clock)
    if quiet:
        log.blocked(TOOL, 0.1)
    begin_told = log.blocked(TOOL, 1.0)
    assert begin_told is not quiet
    log.lasted(TOOL, 5.0, told=begin_told)
    log.flush(everything=True)
    assert [line[3] for line in told()] == lines
