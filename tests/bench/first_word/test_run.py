"""One short real run, and what a run says about itself before it begins."""

from __future__ import annotations

import pytest
import pytest_asyncio

from bench import workers
from bench.first_word.results import FirstWordReport  # noqa: TC001  # a fixture's type, as in test_run
from bench.first_word.run import Options, count_calls, estimate_s, run_first_word
from bench.first_word.situations import ROW_NAMES
from bench.first_word.switches import SIDES, SWITCHES

SHORT = Options(calls=1, rows=("join", "standby"), step_calls=0, seed=1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def report() -> FirstWordReport:
    """Two rows against real processes, a call a subject; with a short greeting, and no wait for the starter's end."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREETING", "Hello there.")
        patch.setattr(workers, "STOP_GRACE_S", 0.5)
        return await run_first_word(SHORT)


async def test_every_call_of_a_real_run_is_completed(report: FirstWordReport) -> None:
    """Each subject has its calls in each row, and nothing failed."""
    assert report.failures == []
    counts = {row.id: {subject: len(times) for subject, times in row.ttfw_ms.items()} for row in report.rows}
    assert counts == {"join": {"starter": 1, "firstword": 1, "floor": 1}, "standby": {"firstword": 1, "floor": 1}}


async def test_the_floor_of_a_group_is_one(report: FirstWordReport) -> None:
    """One caller alone has the same floor, however the agent comes."""
    assert report.rows[0].ttfw_ms["floor"] == report.rows[1].ttfw_ms["floor"]


async def test_the_click_is_before_the_connect_call(report: FirstWordReport) -> None:
    """It is measured where the connect call follows at once, and holds the token request."""
    join, standby = report.rows
    assert join.click_ms == []
    assert len(standby.click_ms) == 1
    assert all(click > ttfw > 0 for click, ttfw in zip(standby.click_ms, standby.ttfw_ms["firstword"], strict=True))


async def test_a_waterfall_ends_with_what_the_caller_heard(report: FirstWordReport) -> None:
    """On its axis the agent's first audible sample leaves after the connect call and before it is heard."""
    assert [each.arrival for each in report.waterfalls] == ["join", "standby"]
    for each in report.waterfalls:
        assert 0 < each.marks["first_audible_sample"] < each.ttfw_ms
    join, standby = report.waterfalls
    began_ms = [min(span.begin_ms for span in each.spans if span.name == "room") for each in (join, standby)]
    assert began_ms[0] > 0 > began_ms[1]


async def test_what_was_not_asked_for_is_not_measured(report: FirstWordReport) -> None:
    """No steps, no memory; the targets of the other rows have no figure."""
    assert (report.steps, report.call_memory_mb) == ((), ())
    assert [target.reached is None for target in report.targets].count(False) == 3


def test_the_command_does_the_same_again() -> None:
    """With all that was chosen."""
    assert SHORT.command == "agent.py bench first-word --calls 1 --rows join,standby --no-steps --seed 1"
    assert Options(30, ROW_NAMES, 5, 4).command == "agent.py bench first-word --calls 30 --step-calls 5 --seed 4"


def test_a_full_run_takes_less_than_half_an_hour() -> None:
    """By the estimate, which grows with the calls."""
    full_s = estimate_s(Options(30, ROW_NAMES, 5, 1))
    assert estimate_s(SHORT) < 90 < full_s < 30 * 60
    assert estimate_s(Options(60, ROW_NAMES, 5, 1)) > full_s


def test_the_progress_counts_every_call() -> None:
    """Two rows with a call: one of the starter, two of ours and one of the floor that they share."""
    assert count_calls(SHORT) == 4
    assert count_calls(Options(1, ("memory",), 1, 1)) == 12 + len(SIDES) * len(SWITCHES)
