"""What is told of a run, and what makes it a failure."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from bench.machine import Machine
from bench.quality.plan import Options
from bench.quality.report import JSON_VERSION, print_quality, write_quality
from bench.quality.results import Cost, QualityReport, Round
from bench.report_file import read_report

if TYPE_CHECKING:
    from pathlib import Path

MACHINE = Machine(2, "a cpu", "Linux x86_64", "3.11.7", "1.8.9", "1.13.5", 0.5)
SEEN = Round("both", 0.99, 0.21, 0.98, fell=1, recovered=2, told_s=3.14, eased_s=12.0, playout_delay_ms=300, late_ms=60)


def report(*rounds: Round) -> QualityReport:
    return QualityReport(Options(), MACHINE, list(rounds), cost=Cost((2.0, 3.0), (1.0, 1.0)))


def printed(of: QualityReport) -> str:
    text = StringIO()
    print_quality(of, Console(file=text, width=200))
    return text.getvalue()


def test_a_round_is_a_line() -> None:
    """With its network in words, its scores, looks and times; the cost below it."""
    text = printed(report(SEEN))
    line = next(line for line in text.splitlines() if line.startswith("10% lost"))
    assert " ".join(line.split()) == "10% lost, 200 ms, 0 to 150 ms 0.99 0.21 0.98 1 2 3.1 12.0 300 60"
    assert "2.5 ms (p99 3.0), of which the event loop is busy for 1.0 ms" in text
    assert "failed" not in text


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"fell": 3}, "both: the score did not fall within 2 looks (got 3; this process was up to 60 ms late)"),
        (
            {"recovered": None},
            "both: the score did not recover within 2 looks (got None; this process was up to 60 ms late)",
        ),
        ({"told_s": None}, "both: the caller's side was not told that it is strained"),
        ({"eased_s": None}, "both: the caller's side was not told that it is usual again"),
    ],
)
def test_what_fails_is_named(changed: dict[str, int | None], said: str) -> None:
    """Each promise that was not kept is a line."""
    broken = report(SEEN, replace(SEEN, **changed))  # pyright: ignore[reportArgumentType]  # names of fields
    assert broken.failures == [said]
    assert said in printed(broken)


def test_a_run_without_rounds_is_no_success() -> None:
    """A machine too busy to measure on shows nothing."""
    assert report().failed


def test_all_of_it_is_in_the_file(tmp_path: Path) -> None:
    """And is read back as it was."""
    file = tmp_path / "quality.json"
    write_quality(report(SEEN), file)
    again = read_report(QualityReport, file, version=JSON_VERSION, command="bench quality")
    assert again == report(SEEN)
