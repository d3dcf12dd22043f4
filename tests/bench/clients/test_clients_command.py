"""`bench clients` says what it takes, and refuses what it does not, before anything starts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from bench.clients import run
from bench.clients.plan import Options
from bench.command import add_bench
from tests.bench.clients.example import LOST, example_report

if TYPE_CHECKING:
    from pathlib import Path

    from bench.clients.results import ClientsReport

WIDE = {"COLUMNS": "160", "TERM": "dumb"}
app = typer.Typer()
add_bench(app)


def test_help_lists_the_options() -> None:
    """Below `bench`."""
    shown = CliRunner().invoke(app, ["bench", "clients", "--help"], env=WIDE).output
    for word in ("--parts", "--calls", "--at-once", "--restarts", "--rate", "--seed", "--json", "--html"):
        assert word in shown


@pytest.mark.parametrize(
    ("arguments", "named"), [(["--parts", "loud"], "allowed: all, calls, restarts"), (["--rate", "0"], "--rate")]
)
def test_what_cannot_be_is_refused(arguments: list[str], named: str) -> None:
    """Exit code 2, with the option's name and what is allowed."""
    result = CliRunner().invoke(app, ["bench", "clients", *arguments], env=WIDE)
    assert result.exit_code == 2
    assert named in result.output


@pytest.mark.parametrize(("lost", "code"), [(False, 0), (True, 1)])
def test_a_lost_request_is_the_exit_code(
    lost: bool, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was asked for reaches the run, and the file is written either way."""
    asked_for: list[Options] = []

    async def ran(options: Options) -> ClientsReport:
        asked_for.append(options)
        report = example_report()
        return replace(report, asked=(LOST,)) if lost else report

    monkeypatch.setattr(run, "run_clients", ran)
    file = tmp_path / "clients.json"
    arguments = ["bench", "clients", "--parts", "restarts", "--restarts", "3", "--json", str(file)]
    assert CliRunner().invoke(app, arguments).exit_code == code
    assert asked_for == [Options(restarts=3, parts=("restarts",))]
    assert file.exists()
