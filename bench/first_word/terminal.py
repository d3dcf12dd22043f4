"""A first-word report on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from bench.first_word.markdown import as_markdown
from bench.first_word.tables import notes, rows_grid, steps_grid, tall_rows_grid
from bench.grid import terminal_table
from bench.target import targets_grid

if TYPE_CHECKING:
    from bench.first_word.results import FirstWordReport

WIDE_COLUMNS = 110
STEP_COLUMNS = ("step, ms", "measured", "all on", "without", "lost", "none on", "alone", "gained", "n")


def print_first_word(report: FirstWordReport, *, markdown: bool, console: Console | None = None) -> None:
    """Print the report to `console` (default: standard output); `markdown`: as a README has it."""
    console = console or Console(highlight=False)
    if markdown:
        console.print(as_markdown(report), markup=False, soft_wrap=True)
        return
    rows = rows_grid(report) if console.width >= WIDE_COLUMNS else tall_rows_grid(report)
    for grid in (rows, targets_grid(report.targets), steps_grid(report).only(*STEP_COLUMNS)):
        console.print(terminal_table(grid) if grid.lines else grid.missing)
        console.print()
    for note in (*notes(report), f"Command: {report.command}"):
        console.print(note, markup=False)
    for failure in report.failures:
        console.print(Text.assemble(("failed", "bold red"), f"  {failure}"))
