"""The two commands say what they take, and refuse what they do not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from bench import run, soak
from bench.command import CANNOT_RUN, add_bench
from bench.first_word import run as first_word
from bench.first_word.json_file import read_first_word
from bench.turns import run as turns
from bench.turns.json_file import read_turns
from bench.workers import BenchError
from tests.bench.first_word.example import example_report
from tests.bench.turns.example import example_report as turns_report

if TYPE_CHECKING:
    from pathlib import Path

    from bench.first_word.results import FirstWordReport
    from bench.turns.results import TurnsReport

app = typer.Typer()
add_bench(app)


@pytest.mark.parametrize("command", ["bench", "soak"])
def test_help_lists_the_options(command: str) -> None:
    """Both take the number of calls, the latency profile and a file for the samples."""
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "160", "TERM": "dumb"}).output
    for option in ("--calls", "--turns", "--latency", "--seed", "--json"):
        assert option in shown


def test_an_unknown_mode_is_refused_before_anything_starts() -> None:
    """Exit code 2 and the allowed names."""
    result = CliRunner().invoke(app, ["bench", "--modes", "fast"], env={"COLUMNS": "160", "TERM": "dumb"})
    assert result.exit_code == 2
    assert "allowed: join, early, gap" in result.output


@pytest.mark.parametrize(("command", "module"), [("bench", run), ("soak", soak)])
def test_a_process_that_does_not_start_is_one_message(
    command: str, module: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No traceback: the message of the error, and the exit code for "cannot run"."""

    async def cannot(*_: object, **__: object) -> None:
        raise BenchError("starter: ended with exit code 1; it said:\nno such key")

    monkeypatch.setattr(module, f"run_{command}", cannot)
    result = CliRunner().invoke(app, [command])
    assert result.exit_code == CANNOT_RUN
    assert "starter: ended with exit code 1" in result.output
    assert "Traceback" not in result.output


def test_help_of_first_word_lists_the_options() -> None:
    """Below `bench`, with options and rows of its own."""
    shown = CliRunner().invoke(app, ["bench", "first-word", "--help"], env={"COLUMNS": "160", "TERM": "dumb"}).output
    for word in ("--calls", "--rows", "--no-steps", "--step-calls", "--seed", "--json", "--html", "--markdown"):
        assert word in shown
    assert "standby-6" in shown


def test_help_of_turns_lists_the_options() -> None:
    """Below `bench`, with parts and sides of its own."""
    shown = CliRunner().invoke(app, ["bench", "turns", "--help"], env={"COLUMNS": "160", "TERM": "dumb"}).output
    for word in ("--turns", "--parts", "--sides", "--latency", "--seed", "--json", "--html", "--markdown"):
        assert word in shown
    assert "starter-v1-mini" in shown


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["first-word", "--rows", "fast"], "got fast, allowed: all, or with commas between: join"),
        (["--calls", "3", "first-word"], "it stands before 'first-word'"),
        (["turns", "--parts", "fast"], "got fast, allowed: all, or with commas between: gap"),
        (["turns", "--sides", "quick"], "got quick, allowed: starter-v1-mini"),
    ],
)
def test_a_wrong_way_to_ask_is_refused(arguments: list[str], named: str) -> None:
    """Before anything starts, and never silently ignored."""
    result = CliRunner().invoke(app, ["bench", *arguments], env={"COLUMNS": "200", "TERM": "dumb"})
    assert result.exit_code == 2
    assert named in result.output


@pytest.mark.parametrize(
    "command",
    [
        *("bench --json", "bench first-word --json", "bench first-word --html"),
        *("bench turns --json", "bench turns --html", "soak --json", "storm --json"),
    ],
)
def test_a_file_that_cannot_be_written_is_refused_before_anything_starts(command: str) -> None:
    """Exit code 2 and a line that names the option and the file."""
    arguments = [*command.split(), "no-such-folder/run"]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200", "TERM": "dumb"})
    assert result.exit_code == 2
    assert f"Invalid value for '{arguments[-2]}': got no-such-folder/run, No such file or directory" in result.output


@pytest.mark.parametrize(("failed", "code"), [((), 0), (("memory: a call does not stand",), 1)])
def test_first_word_writes_its_files_and_ends_with_1_for_a_failed_call(
    failed: tuple[str, ...], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The options reach the run; its report comes as JSON and as a page; a missed target is no failure."""
    asked: list[first_word.Options] = []

    async def measured(options: first_word.Options) -> FirstWordReport:
        asked.append(options)
        rows = tuple(replace(row, failed={}) for row in example_report().rows)
        return replace(example_report(), rows=rows, failed=failed)

    monkeypatch.setattr(first_word, "run_first_word", measured)
    files = ["--json", str(tmp_path / "run.json"), "--html", str(tmp_path / "run.html")]
    result = CliRunner().invoke(
        app, ["bench", "first-word", "--calls", "4", "--rows", "join,dev", "--no-steps", *files]
    )
    assert result.exit_code == code, result.output
    assert all(line in result.output for line in failed)
    assert asked == [first_word.Options(4, ("join", "dev"), 0, 1)]
    assert read_first_word(tmp_path / "run.json").failed == failed
    assert "<html" in (tmp_path / "run.html").read_text(encoding="utf-8")


def test_turns_writes_its_files_and_ends_with_1_for_a_failed_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The options reach the run; its report comes as JSON and as a page."""
    asked: list[turns.Options] = []

    async def measured(options: turns.Options) -> TurnsReport:
        asked.append(options)
        return turns_report()

    monkeypatch.setattr(turns, "run_turns", measured)
    files = ["--json", str(tmp_path / "run.json"), "--html", str(tmp_path / "run.html")]
    arguments = ["bench", "turns", "--turns", "4", "--parts", "gap", "--sides", "fast,starter-stt", *files]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1, result.output
    assert "no audio within 15 s" in result.output
    assert [(each.turns, each.parts, [side.id for side in each.sides]) for each in asked] == [
        (4, ("gap",), ["fast", "starter-stt"])
    ]
    assert read_turns(tmp_path / "run.json") == turns_report()
    assert "<html" in (tmp_path / "run.html").read_text(encoding="utf-8")
