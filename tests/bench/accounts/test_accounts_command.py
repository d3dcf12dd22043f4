"""`bench accounts` says what it takes, and refuses what it does not, before anything starts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from bench.accounts import run
from bench.accounts.plan import Options
from bench.command import add_bench
from tests.bench.accounts.example import example_report

if TYPE_CHECKING:
    from pathlib import Path

    from bench.accounts.results import AccountsReport

WIDE = {"COLUMNS": "160", "TERM": "dumb"}
app = typer.Typer()
add_bench(app)


def test_help_lists_the_options() -> None:
    """Below `bench`."""
    shown = CliRunner().invoke(app, ["bench", "accounts", "--help"], env=WIDE).output
    for word in ("--parts", "--calls", "--new-calls", "--fault-calls", "--experiment-calls", "--seed", "--json"):
        assert word in shown


@pytest.mark.parametrize(
    ("arguments", "named"),
    [(["--parts", "loud"], "allowed: all, many"), (["--accounts", "210"], "--called"), (["--called", "3"], "--called")],
)
def test_what_cannot_be_is_refused(arguments: list[str], named: str) -> None:
    """Exit code 2, with the option's name and what is allowed."""
    result = CliRunner().invoke(app, ["bench", "accounts", *arguments], env=WIDE)
    assert result.exit_code == 2
    assert named in result.output


@pytest.mark.parametrize(("failed", "code"), [((), 0), (("one call: gone",), 1)])
def test_a_call_that_failed_is_the_exit_code(
    failed: tuple[str, ...], code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What was asked for reaches the run, and the file is written either way."""
    asked_for: list[Options] = []

    async def ran(options: Options) -> AccountsReport:
        asked_for.append(options)
        return replace(example_report(), failed=failed)

    monkeypatch.setattr(run, "run_accounts", ran)
    file = tmp_path / "accounts.json"
    arguments = ["bench", "accounts", "--parts", "new,faults", "--new-calls", "3", "--json", str(file)]
    assert CliRunner().invoke(app, arguments).exit_code == code
    assert asked_for == [Options(new_calls=3, parts=("new", "faults"))]
    assert file.exists()
