"""A short real run, and what its report says when a limit was not exact."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest_asyncio
import typer
from rich.console import Console
from typer.testing import CliRunner

from bench.command import add_bench
from bench.limits.plan import Options
from bench.limits.report import print_limits, write_limits
from bench.limits.run import run_limits

if TYPE_CHECKING:
    from pathlib import Path

    from bench.limits.results import LimitsReport

SHORT = Options(creations=40, most_rooms=4, processes=2, kills=1, participants=3, audio_tracks=3, video_tracks=2)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def report() -> LimitsReport:
    return await run_limits(SHORT)


def printed(report: LimitsReport) -> str:
    out = io.StringIO()
    print_limits(report, Console(file=out, width=200))
    return out.getvalue()


async def test_every_limit_is_exact(report: LimitsReport) -> None:
    """At once, from two processes, after a kill, at the token, at the join, and for tracks."""
    assert report.failures == []
    assert [rush.name for rush in report.rushes] == ["one process", "2 processes", "after kill 1"]
    assert [rush.listed for rush in report.rushes] == [4, 4, 4]
    assert [(full.name, full.held, full.refused) for full in report.full] == [
        ("token", 3, 3),
        ("join", 3, 1),
        ("sound", 3, 1),
        ("picture", 2, 1),
    ]


async def test_the_report_has_the_answers(report: LimitsReport, tmp_path: Path) -> None:
    """On the terminal what each was told; in the file every sample."""
    text = printed(report)
    assert "sound: This room has 4 audio tracks and the most is 3: yours was muted." in text
    assert "failed" not in text
    write_limits(report, tmp_path / "limits.json")
    content = json.loads((tmp_path / "limits.json").read_text())
    assert content["version"] == 1
    assert len(content["full"][0]["after_ms"]) == 3


async def test_one_room_too_many_is_a_failure(report: LimitsReport) -> None:
    """So is one too few, a track that was not muted, and an answer without words."""
    one, many, after = report.rushes
    token, *others = report.full
    wrong = replace(report, rushes=[replace(one, listed=5), replace(many, given=3), replace(after, exact_s=None)])
    wrong.full = [replace(token, answer=""), *(replace(each, held=each.allowed + 1) for each in others)]
    assert len(wrong.failures) == 7
    assert wrong.failed
    assert "one process: 4 given and 5 listed, must both be 4" in printed(wrong)


def test_a_wrong_part_is_refused() -> None:
    """Before anything runs."""
    app = typer.Typer()
    add_bench(app)
    answer = CliRunner().invoke(app, ["bench", "limits", "--parts", "trucks"])
    assert answer.exit_code == 2
    assert "trucks" in answer.output
