"""`bench scripts` says what it takes, and its exit code says whether a violation was found."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from bench.command import add_bench
from bench.machine import Machine
from bench.scripts import run
from bench.scripts.judge import Judgement, Violation
from bench.scripts.run import Judged, Options, ScriptsReport
from tests.bench.scripts.example import asked, call, heard, said

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = Machine(2, "Test CPU", "Linux x86_64", "3.11.7", "1.8.9", "1.13.5", 0.5)
RECORD = call(said("What time is it?", 0, 1.0), (heard(1, 3.0),), (asked(1, 2.3, "What time is it?"),))
GOOD = ScriptsReport("agent.py bench scripts", MACHINE, "fast", [Judged(RECORD, Judgement(1, ()))])
TWICE = Violation("twice", 3, "1/3", 3.0, "What time is it?", "1: What time is it?", "again")
BAD = replace(GOOD, calls=[Judged(RECORD, Judgement(1, (TWICE,)))])

app = typer.Typer()
add_bench(app)


def test_help_lists_the_options() -> None:
    """With the three profiles."""
    shown = CliRunner().invoke(app, ["bench", "scripts", "--help"], env={"COLUMNS": "160", "TERM": "dumb"}).output
    for word in ("--scripts", "--seed", "--at-once", "--profile", "--only", "--latency", "--json", "steady"):
        assert word in shown


@pytest.mark.parametrize(("report", "code"), [(GOOD, 0), (BAD, 1), (replace(GOOD, failed=["script 4: gone"]), 1)])
def test_the_exit_code_tells_a_violation(
    report: ScriptsReport, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Or a call that says nothing; what was asked for reaches the run, and the file is written either way."""
    asked_for: list[Options] = []

    async def ran(options: Options) -> ScriptsReport:
        asked_for.append(options)
        return report

    monkeypatch.setattr(run, "run_scripts", ran)
    file = tmp_path / "scripts.json"
    arguments = ["bench", "scripts", "--only", "7", "--profile", "fast", "--seed", "2", "--json", str(file)]
    assert CliRunner().invoke(app, arguments).exit_code == code
    assert asked_for == [Options(seed=2, profile="fast", only=7)]
    assert file.exists()
