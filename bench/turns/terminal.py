"""A turns report on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from bench.grid import terminal_table
from bench.target import targets_grid
from bench.turns.markdown import as_markdown
from bench.turns.tables import grids, narrow, notes

if TYPE_CHECKING:
    from bench.turns.results import TurnsReport

WIDE_COLUMNS = 110


def print_turns(report: TurnsReport, *, markdown: bool, console: Console | None = None) -> None:
    """Print the report to `console` (default: standard output); `markdown`: as a README has it."""
    console = console or Console(highlight=False)
    if markdown:
        console.print(as_markdown(report), markup=False, soft_wrap=True)
        return
    shown = grids(report) if console.width >= WIDE_COLUMNS else tuple(map(narrow, grids(report)))
    for grid in (*shown, targets_grid(report.targets)):
        console.print(terminal_table(grid) if grid.lines else grid.missing)
        console.print()
    for note in (*notes(report), f"Command: {report.command}"):
        console.print(note, markup=False)
    for failure in report.failures:
        console.print(Text.assemble(("failed", "bold red"), f"  {failure}"))
