"""A turns report as a JSON file, with every sample, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.report_file import read_report, write_report
from bench.turns.results import TurnsReport

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 4


def write_turns(report: TurnsReport, file: Path) -> None:
    """Write all of `report`."""
    write_report(report, file, version=VERSION)


def read_turns(file: Path) -> TurnsReport:
    """Raises `NotAReport`, and OSError if there is no such file."""
    return read_report(TurnsReport, file, version=VERSION, command="bench turns")
