"""The command as a person starts it: wrong input is refused before anything starts, what is asked for is what runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from bench.browser import run
from bench.browser.report import read_browser
from bench.command import CANNOT_RUN, add_bench
from bench.workers import BenchError
from tests.bench.browser.example import example_report

if TYPE_CHECKING:
    from pathlib import Path

    from bench.browser.plan import Options
    from bench.browser.results import BrowserReport

app = typer.Typer()
add_bench(app)
WIDE = {"COLUMNS": "160", "TERM": "dumb"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--parts", "clack"], "got clack, allowed: all, click"),
        (["--transports", "pigeon"], "got pigeon, allowed: all, whip, livekit"),
        (["--clicks", "0"], "--clicks"),
    ],
)
def test_a_wrong_option_is_refused(arguments: list[str], told: str) -> None:
    """With what is allowed."""
    result = CliRunner().invoke(app, ["bench", "browser", *arguments], env=WIDE)
    assert result.exit_code == 2
    assert told in result.output


def test_what_is_asked_for_is_run_and_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Table, file and page."""
    asked: list[Options] = []

    async def measured(options: Options) -> BrowserReport:
        asked.append(options)
        return example_report()

    monkeypatch.setattr(run, "run_browser", measured)
    json, html = tmp_path / "run.json", tmp_path / "run.html"
    arguments = ["--parts", "echo", "--transports", "whip", "--chirps", "7", "--json", str(json), "--html", str(html)]
    result = CliRunner().invoke(app, ["bench", "browser", *arguments], env=WIDE)
    assert result.exit_code == 0, result.output
    assert [(each.parts, each.transports, each.chirps) for each in asked] == [(("echo",), ("whip",), 7)]
    assert read_browser(json) == example_report()
    assert "<title>The page in the browser" in html.read_text(encoding="utf-8")
    assert "click to sound" in result.output


def test_without_chromium_it_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """No traceback, and the exit code for "cannot run"."""

    async def cannot(*_: object) -> None:
        raise BenchError("no Chromium: install it")

    monkeypatch.setattr(run, "run_browser", cannot)
    result = CliRunner().invoke(app, ["bench", "browser"], env=WIDE)
    assert result.exit_code == CANNOT_RUN
    assert "no Chromium" in result.output
