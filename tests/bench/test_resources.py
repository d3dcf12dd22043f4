"""What grows from call to call is named; what merely moves is not."""

from __future__ import annotations

from dataclasses import replace

from bench.resources import ALLOWED_GROWTH, Resources, growths

HELD = Resources(40, 30, 12, 15, 0, 220.0, 0, 0)


def test_a_steady_worker_does_not_grow() -> None:
    """Equal samples leak nothing, and every resource is looked at."""
    found = growths([HELD] * 6)
    assert [each.name for each in found] == list(ALLOWED_GROWTH)
    assert not any(each.leaks for each in found)


def test_a_task_a_call_is_a_leak() -> None:
    """One asyncio task more after each call is told, and nothing else is."""
    found = growths([replace(HELD, tasks=40 + number) for number in range(9)])
    assert [(each.name, each.by) for each in found if each.leaks] == [("tasks", 6.0)]


def test_a_room_left_behind_is_a_leak() -> None:
    """No room may be left when the calls are over."""
    assert any(each.leaks for each in growths([HELD, HELD, replace(HELD, rooms=1)]))
