"""How many calls an account has at once."""

from __future__ import annotations

import gc

import pytest

from accounts.limits import Lines
from tests.accounts.store_promises import account


class Job:
    """What lives as long as a call."""


@pytest.fixture
def jobs() -> list[Job]:
    return [Job() for _ in range(10)]


def test_no_more_calls_than_lines(jobs: list[Job]) -> None:
    """One that ends makes room for one; an account's calls take no line of another's."""
    lines, harbour, garden = Lines(), account(max_calls=2), account("garden", max_calls=1)
    assert [lines.take(harbour, f"call{number}", jobs[number]) for number in range(3)] == [True, True, False]
    assert lines.take(garden, "call3", jobs[3])

    lines.leave("call0")
    assert lines.take(harbour, "call4", jobs[4])
    assert not lines.take(harbour, "call5", jobs[5])
    assert (lines.taken("harbour"), lines.taken("garden")) == (2, 1)


def test_a_call_counts_once(jobs: list[Job]) -> None:
    """Taken twice it has one line, given back twice it gives one back; a stranger's end changes nothing."""
    lines, harbour = Lines(), account(max_calls=2)
    assert all(lines.take(account(max_calls=1), "call0", jobs[0]) for _ in range(3))
    assert lines.taken("harbour") == 1
    assert lines.take(harbour, "call1", jobs[1])

    lines.leave("call0")
    lines.leave("call0")
    lines.leave("never seen")
    assert lines.taken("harbour") == 1


def test_a_refused_call_holds_no_line(jobs: list[Job]) -> None:
    """It is not counted, and its end gives nothing back that is not its own."""
    lines, harbour = Lines(), account(max_calls=1)
    lines.take(harbour, "call0", jobs[0])
    assert not lines.take(harbour, "call1", jobs[1])
    lines.leave("call1")
    assert lines.taken("harbour") == 1


def test_a_call_that_nobody_ended_is_forgotten_with_its_job() -> None:
    """A job that dies between leaves no line taken."""
    lines, harbour = Lines(), account(max_calls=1)
    job = Job()
    assert lines.take(harbour, "call0", job)
    del job
    gc.collect()
    assert lines.taken("harbour") == 0
    assert lines.take(harbour, "call1", Job())


def test_a_limit_that_is_set_later_counts_the_calls_before_it(jobs: list[Job]) -> None:
    """Calls are counted without a limit, too, and a lower limit throws nobody out."""
    lines = Lines()
    for number in range(3):
        assert lines.take(account(), f"call{number}", jobs[number])
    assert not lines.take(account(max_calls=3), "call3", jobs[3])
    assert not lines.take(account(max_calls=1), "call3", jobs[3])
    assert lines.taken("harbour") == 3


def test_what_has_ended_takes_no_memory(jobs: list[Job]) -> None:
    """Accounts without calls are not kept."""
    lines = Lines()
    for number in range(1000):
        lines.take(account(f"a{number}"), f"call{number}", jobs[0])
        lines.leave(f"call{number}")
    assert [lines.taken(f"a{number}") for number in (0, 999)] == [0, 0]
    assert lines.accounts == 0
