"""A short real storm with a rolling restart, and what its report says when something went wrong."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
import typer
from rich.console import Console
from typer.testing import CliRunner

from bench.command import add_bench
from bench.storm.call import StormCall
from bench.storm.fleet import Held, Kill, Restart
from bench.storm.leftovers import Leftovers, grown, most
from bench.storm.plan import HEARS, Options
from bench.storm.report import print_storm, write_storm
from bench.storm.run import StormReport, run_storm

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.alone  # it judges sound, of a worker that a restart brings a second one beside

CALLS = 8


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def report() -> StormReport:
    """One worker, so that a restart brings two processes and not four to a busy machine."""
    return await run_storm(Options(CALLS, seed=1, standby=1, restarts=1, workers=1, every_s=0.6, caller_timeout_s=5.0))


def printed(report: StormReport) -> str:
    out = io.StringIO()
    print_storm(report, Console(file=out, width=200))
    return out.getvalue()


async def test_each_who_stays_is_greeted_once_and_whole(report: StormReport) -> None:
    """By one agent, through a restart of the worker; nobody is lost."""
    assert [call.failed for call in report.calls] == [None] * CALLS, "\n".join(report.lines)
    stayed = [call for call in report.calls if call.fate in HEARS]
    assert len(stayed) >= CALLS / 2
    for call in stayed:
        if call.unsure is not None:
            continue  # this process was too late itself to hear it
        (heard,) = call.heard.values()
        assert heard.whole
        assert not heard.twice
        assert call.ttfw_ms is not None
        assert call.ttfw_ms > 0


async def test_the_workers_were_restarted(report: StormReport) -> None:
    """The old ones ended by themselves with exit code 0."""
    (restart,) = report.restarts
    assert restart.failed is None


async def test_nothing_is_left(report: StormReport) -> None:
    """First only the standby rooms with an agent each, then, without the page's server, nothing."""
    assert report.leftovers.problems == ()
    assert report.leftovers.clean_after_s is not None
    assert report.leftovers.empty_after_s is not None
    assert grown(report.held_before, report.held_after) == []


async def test_what_went_wrong_can_be_repeated(report: StormReport) -> None:
    """Each lost caller is told with the seed, the number and the fate, each leftover in words."""
    first, *rest = report.calls
    good = [replace(call, failed=None, unsure=None) for call in rest]
    wrong = replace(
        report,
        calls=(replace(first, fate="stays", failed="nobody spoke", unsure=None), *good),
        restarts=(Restart(2.0, 5.0, 70.0, 0), Restart(40.0, 5.0, 1.0, 3)),
        kills=(Kill(3.0, 77, ("call-1", "call-2"), 4.2),),
        leftovers=Leftovers(None, 0.1, ("call 3 (never): its room is left over, in it: agent-1",)),
        held_after=report.held_before,
    )
    assert wrong.failures == [
        "seed 1, call 1 (stays): nobody spoke",
        "the restart at 2 s: the old workers needed 70 s to end",
        "the restart at 40 s: exit code 3, not 0",
        "call 3 (never): its room is left over, in it: agent-1",
    ]
    shown = printed(wrong)
    assert all(failure in shown for failure in wrong.failures)
    assert "Kill at 3 s: 2 rooms were on it" in shown
    assert "Only standby rooms left: never" in shown


async def test_first_words_are_told_by_what_they_can_be_compared_with(report: StormReport) -> None:
    """Apart for those whom an agent awaited; callers of a killed worker and lost ones are in neither."""
    calls = (
        StormCall(1, "stays", waited_for=True, ttfw_ms=100.0),
        StormCall(2, "late", waited_for=False, ttfw_ms=400.0),
        StormCall(3, "stays", waited_for=True, ttfw_ms=900.0, died=True),
        StormCall(4, "stays", waited_for=True, ttfw_ms=901.0, failed="cut"),
        StormCall(5, "during", waited_for=True, ttfw_ms=902.0),
        StormCall(6, "stays", waited_for=True, ttfw_ms=903.0, unsure="cut; this process was late by 500 ms"),
    )
    some = replace(report, calls=calls)
    assert some.first_words_ms(waited_for=True) == [100.0]
    assert some.first_words_ms(waited_for=False) == [400.0]
    assert some.unsure == ["call 6 (stays): cut; this process was late by 500 ms"]
    assert "1 callers could not be judged, this machine is too busy" not in some.failures
    busy = replace(some, calls=calls[-1:])
    assert "1 callers could not be judged, this machine is too busy" in busy.failures


async def test_a_storm_is_written_down(report: StormReport, tmp_path: Path) -> None:
    """The file holds the version, the options and every call."""
    write_storm(report, tmp_path / "storm.json")
    content = json.loads((tmp_path / "storm.json").read_text(encoding="utf-8"))
    assert content["version"] == 1
    assert content["options"]["seed"] == 1
    assert [call["number"] for call in content["calls"]] == list(range(1, CALLS + 1))
    assert content["failures"] == report.failures


def test_a_kill_without_a_supervisor_is_refused_before_anything_starts() -> None:
    """Exit code 2, the option and what is allowed."""
    app = typer.Typer()
    add_bench(app)
    told = CliRunner().invoke(app, ["storm", "--workers", "1"], env={"COLUMNS": "200", "TERM": "dumb"})
    assert told.exit_code == 2
    assert "--kills" in told.output
    assert "got 1 with 1 worker, allowed: 0, or 2 workers and more" in told.output


def test_growth_is_told_by_name() -> None:
    """The most that one worker holds, beside what it held before; a little is allowed."""
    before = most([Held(20, 60, 20, 200.0), Held(25, 50, 22, 190.0)])
    assert before == Held(25, 60, 22, 200.0)
    assert grown(before, replace(before, tasks=28)) == []
    assert grown(before, replace(before, tasks=75)) == ["tasks of a worker grew by 50, allowed 6"]
