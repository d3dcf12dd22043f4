"""One short real run: the witnesses agree, so that the judge has something to judge."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from rich.console import Console

from bench.machine import Machine
from bench.measure import CallFailed
from bench.report_file import read_report
from bench.scripts import run
from bench.scripts.judge import Judgement, Violation
from bench.scripts.report import VERSION, print_scripts, write_scripts
from bench.scripts.run import Judged, Options, ScriptsReport, estimate_s, run_scripts
from bench.workers import BenchError
from tests.bench.scripts.example import asked, call, heard, said

if TYPE_CHECKING:
    from pathlib import Path

    from bench.scripts.call import Held
    from bench.scripts.plan import Script

SHORT = Options(scripts=2, seed=16, at_once=2, latency="fixed")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def report() -> ScriptsReport:
    """Real processes; what the callers of these two scripts say is short."""
    return await run_scripts(SHORT)


async def test_every_turn_of_a_real_run_is_witnessed(report: ScriptsReport) -> None:
    """Words, sound, transcript and the LLM's request of each turn come together: nothing else could be judged."""
    assert report.failed == []
    assert [each.record.script for each in report.calls] == [0, 1]
    for each in report.calls:
        assert each.judgement.turns >= 1
        assert each.judgement.strange_sounds == 0
        numbers = {request.number for request in each.record.requests}
        assert {reply.number for reply in each.record.heard} <= numbers
        assert each.record.heard
        assert each.record.recognised


async def test_the_report_is_printed_and_written(report: ScriptsReport, tmp_path: Path) -> None:
    """Nothing is lost in the file."""
    file = tmp_path / "report.json"
    write_scripts(report, file)
    assert read_report(ScriptsReport, file, version=VERSION, command="bench scripts") == report
    assert "scripts" in printed(report)


def test_a_violation_is_printed_with_what_says_it_again() -> None:
    """Number and seed of the script, what was said, what was answered, and when."""
    machine = Machine(2, "Test CPU", "Linux x86_64", "3.11.7", "1.8.9", "1.13.5", 0.5)
    record = call(said("What time is it?", 0, 1.0), (heard(1, 3.0),), (asked(1, 2.3, "What time is"),))
    found = Violation("unfinished", 3, "1/3", 3.0, "What time is it?", "1: What time is", "too soon")
    bad = ScriptsReport(SHORT.command, machine, "fast", [Judged(record, Judgement(1, (found,), ended_in_pause=2))])
    text = printed(bad)
    for words in ("unfinished  script 3, seed 1/3, at 3.00 s: too soon", "said: What time is it?", "1: What time is"):
        assert words in text
    assert not bad.passed
    assert not replace(bad, calls=[]).passed
    assert replace(bad, calls=[Judged(record, Judgement(1, ()))]).passed


def test_the_command_says_the_same_again() -> None:
    """All of it, or one script of it."""
    assert SHORT.command == (
        "agent.py bench scripts --scripts 2 --seed 16 --at-once 2 --profile production --latency fixed"
    )
    assert "--only 17 --seed 16" in replace(SHORT, only=17).command
    assert estimate_s(replace(SHORT, only=17)) < estimate_s(Options())


def printed(report: ScriptsReport) -> str:
    out = io.StringIO()
    print_scripts(report, Console(file=out, width=200))
    return out.getvalue()


async def test_a_world_in_which_no_call_is_held_ends_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Soon, with the last reason: half an hour of failed calls says nothing about scripts."""
    tried: list[int] = []

    async def silent(_place: object, _worker: object, script: Script) -> Held:
        tried.append(script.number)
        raise CallFailed("no first word")

    monkeypatch.setattr(run, "hold_script", silent)
    monkeypatch.setattr(run, "ScriptSurroundings", Nothing)
    monkeypatch.setattr(run, "_worker", Nothing)
    with pytest.raises(BenchError, match=r"8 calls failed and none was held.*no first word"):
        await run_scripts(replace(SHORT, scripts=50, at_once=1))
    assert len(tried) == 8


class Nothing:
    """In place of a process that this test has no use for."""

    def __init__(self, *_: object) -> None: ...

    async def __aenter__(self) -> Nothing:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def check(self) -> None: ...
