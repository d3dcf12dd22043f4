"""A first-word report as a JSON file, with every sample, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.first_word.results import FirstWordReport
from bench.report_file import read_report, write_report

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1


def write_first_word(report: FirstWordReport, file: Path) -> None:
    """Write all of `report`."""
    write_report(report, file, version=VERSION)


def read_first_word(file: Path) -> FirstWordReport:
    """Raises `NotAReport`, and OSError if there is no such file."""
    return read_report(FirstWordReport, file, version=VERSION, command="bench first-word")
