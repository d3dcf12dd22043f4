"""One short run as a person starts it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer
from typer.testing import CliRunner

from bench.command import CANNOT_RUN, add_bench
from bench.quality import run
from bench.workers import BenchError

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

app = typer.Typer()
add_bench(app)


def test_a_network_becomes_bad_and_good_again(tmp_path: Path) -> None:
    """The score is lower while it is bad, the caller's side is told, and a look costs little of the loop."""
    file = tmp_path / "quality.json"
    arguments = ["bench", "quality", "--rounds", "1", "--interval", "1", "--networks", "loss", "--json", str(file)]
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "160", "TERM": "dumb"})
    assert result.exit_code in (0, 1), result.output  # on a busy machine a promise may be missed, and is told
    report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    for each in report["rounds"]:
        assert each["during"] < each["before"]
        assert each["told_s"] is not None
    assert report["rounds"] or report["unsure"]
    busy_ms = sorted(report["cost"]["busy_ms"])
    assert busy_ms[len(busy_ms) // 2] < 50


def test_no_such_network() -> None:
    """Refused before anything starts."""
    result = CliRunner().invoke(app, ["bench", "quality", "--networks", "wet"], env={"COLUMNS": "160", "TERM": "dumb"})
    assert result.exit_code == 2
    assert "got 'wet'" in result.output


def test_a_relay_that_cannot_be_set_up_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback, and the exit code for "cannot run"."""

    async def cannot(*_: object) -> None:
        raise BenchError("127.0.0.2:7882 cannot be bound: no such address")

    monkeypatch.setattr(run, "run_quality", cannot)
    result = CliRunner().invoke(app, ["bench", "quality"])
    assert result.exit_code == CANNOT_RUN
    assert "127.0.0.2:7882 cannot be bound" in result.output
