"""What a run of `bench browser` tells: tables for the terminal or a README, and a file with every value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from bench.browser.results import BrowserReport
from bench.browser.tables import grids, notes
from bench.grid import markdown_table, no_markup, terminal_table
from bench.report_file import read_report, write_report
from bench.target import targets_grid

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1


def print_browser(report: BrowserReport, *, markdown: bool, console: Console | None = None) -> None:
    """Print the report to `console` (default: standard output); `markdown`: as a README has it."""
    console = console or Console(highlight=False)
    if markdown:
        console.print(as_markdown(report), markup=False, soft_wrap=True)
        return
    for grid in (*grids(report), targets_grid(report.targets)):
        console.print(terminal_table(grid) if grid.lines else grid.missing)
        console.print()
    for line in (*notes(report), f"Command: {report.command}"):
        console.print(line, markup=False)
    for line in report.failures:
        console.print(Text.assemble(("failed", "bold red"), f"  {line}"))


def as_markdown(report: BrowserReport) -> str:
    """Command, tables, notes, and what went wrong. No line at the end."""
    parts = [f"`{report.command}`", *map(markdown_table, grids(report)), markdown_table(targets_grid(report.targets))]
    parts.append("\n".join(f"- {no_markup(line)}" for line in notes(report)))
    if failed := report.failures:
        parts.append("What failed:\n\n" + "\n".join(f"- {no_markup(line)}" for line in failed))
    return "\n\n".join(parts)


def write_browser(report: BrowserReport, file: Path) -> None:
    """Plain data, with every sample."""
    write_report(report, file, version=VERSION)


def read_browser(file: Path) -> BrowserReport:
    """Raises `NotAReport`, and OSError if there is no such file."""
    return read_report(BrowserReport, file, version=VERSION, command="bench browser")
