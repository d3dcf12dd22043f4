"""The two commands say what they take, and refuse what they do not."""

from __future__ import annotations

import pytest
import typer
from typer.testing import CliRunner

from bench import run, soak
from bench.command import CANNOT_RUN, add_bench
from bench.workers import BenchError

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
