"""A first-word report on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.first_word.markdown import as_markdown
from bench.first_word.tables import notes, rows_grid, steps_grid, tall_rows_grid, targets_grid

if TYPE_CHECKING:
    from bench.first_word.results import FirstWordReport
    from bench.first_word.tables import Grid

WIDE_COLUMNS = 110
STEP_COLUMNS = ("step, ms", "measured", "all on", "without", "lost", "none on", "alone", "gained", "n")
STYLES = {"reached": "green", "not reached": "bold red", "not measured": "yellow"}


def print_first_word(report: FirstWordReport, *, markdown: bool, console: Console | None = None) -> None:
    """Print the report to `console` (default: standard output); `markdown`: as a README has it."""
    console = console or Console(highlight=False)
    if markdown:
        console.print(as_markdown(report), markup=False, soft_wrap=True)
        return
    rows = rows_grid(report) if console.width >= WIDE_COLUMNS else tall_rows_grid(report)
    for grid in (rows, targets_grid(report), steps_grid(report).only(*STEP_COLUMNS)):
        console.print(_table(grid) if grid.lines else grid.missing)
        console.print()
    for note in (*notes(report), f"Command: {report.command}"):
        console.print(note, markup=False)
    for failure in report.failures:
        console.print(Text.assemble(("failed", "bold red"), f"  {failure}"))


def _table(grid: Grid) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    lines = [[cell.replace(" / ", "/") for cell in line] for line in grid.lines]
    for place, heading in enumerate(grid.headings):
        # On a terminal of 80 columns headings and names wrap, and the figures stay whole.
        is_words = heading in grid.words
        widest = max(map(len, [*heading.replace("/", " ").split(), *(line[place] for line in lines)]))
        wrapped = heading.replace(" p50/", "\np50/")
        width = None if is_words and heading != "reached" else widest
        table.add_column(wrapped, justify="left" if is_words else "right", width=width)
    for line in lines:
        table.add_row(*(Text(cell, STYLES.get(cell, "")) for cell in line))
    return table
