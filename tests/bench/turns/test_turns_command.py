"""`bench turns --pauses`: what is asked for reaches the run, and what is no pause is refused before it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from bench.command import add_bench
from bench.turns import run
from bench.turns.corpus import PAUSES_MS
from tests.bench.turns.example import example_report

if TYPE_CHECKING:
    from bench.turns.results import TurnsReport

app = typer.Typer()
add_bench(app)


@pytest.mark.parametrize(
    ("arguments", "pauses_ms"), [([], PAUSES_MS), (["--pauses", "2200, 900,1200"], (900, 1200, 2200))]
)
def test_the_pauses_reach_the_run(
    arguments: list[str], pauses_ms: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shortest first; the usual ones when nothing is said."""
    asked: list[run.Options] = []

    async def measured(options: run.Options) -> TurnsReport:
        asked.append(options)
        return example_report()

    monkeypatch.setattr(run, "run_turns", measured)
    CliRunner().invoke(app, ["bench", "turns", *arguments])
    assert [options.pauses_ms for options in asked] == [pauses_ms]


@pytest.mark.parametrize(("pauses", "got"), [("99,900", "99"), ("long", "long"), (",", "nothing")])
def test_what_is_no_pause_is_refused(pauses: str, got: str) -> None:
    """With the option, what was given and what is allowed."""
    arguments = ["bench", "turns", "--pauses", pauses]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200", "TERM": "dumb"})
    assert result.exit_code == 2
    shown = " ".join(result.output.replace("│", " ").split())
    assert f"Invalid value for --pauses: got {got}, allowed: 1 to 8 whole numbers of ms from 100 to 5000" in shown
