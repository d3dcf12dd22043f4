"""What a run of `bench accounts` tells: tables for the terminal or a README, and a file with every value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from bench.accounts.tables import details, grids, notes, sentences
from bench.grid import markdown_table, no_markup, terminal_table
from bench.report_file import write_report
from bench.target import targets_grid

if TYPE_CHECKING:
    from pathlib import Path

    from bench.accounts.results import AccountsReport

VERSION = 1


def print_accounts(report: AccountsReport, *, markdown: bool, console: Console | None = None) -> None:
    """Print the report to `console` (default: standard output); `markdown`: as a README has it."""
    console = console or Console(highlight=False)
    if markdown:
        console.print(as_markdown(report), markup=False, soft_wrap=True)
        return
    for grid in (*grids(report), targets_grid(report.targets)):
        console.print(terminal_table(grid) if grid.lines else grid.missing)
        console.print()
    for line in (*sentences(report), *notes(report), f"Command: {report.command}"):
        console.print(line, markup=False)
    for line in details(report):
        console.print(Text.assemble(("wrong", "bold red"), f"  {line}"))
    for line in report.failed:
        console.print(Text.assemble(("failed", "bold red"), f"  {line}"))


def as_markdown(report: AccountsReport) -> str:
    """Command, tables, notes, and what went wrong. No line at the end."""
    parts = [f"`{report.command}`", *map(markdown_table, grids(report)), markdown_table(targets_grid(report.targets))]
    lists = {
        "The experiments' report:": sentences(report),
        "": notes(report),
        "What was wrong:": details(report),
        "What failed:": list(report.failed),
    }
    for title, lines in lists.items():
        if lines:
            listed = "\n".join(f"- {no_markup(line)}" for line in lines)
            parts.append(f"{title}\n\n{listed}" if title else listed)
    return "\n\n".join(parts)


def write_accounts(report: AccountsReport, file: Path) -> None:
    """Plain data, with every sample."""
    write_report(report, file, version=VERSION)
