"""A table of a report as plain text: once for terminal, README and page, which each show it in their own way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

NONE = "-"
MINUS = "\N{MINUS SIGN}"
VERDICT = "reached"
STYLES = {"reached": "green", "not reached": "bold red", "not measured": "yellow"}
# An underscore within a word is none, so names of settings stay as they are.
MARKUP = re.compile(r"[\\`*<\[\]|]|\b_|_\b")


@dataclass(frozen=True)
class Grid:
    """A table. `words`: the headings whose cells are words; the other cells are figures. `missing`: why it is empty."""

    headings: tuple[str, ...]
    lines: tuple[tuple[str, ...], ...]
    words: frozenset[str]
    missing: str

    def only(self, *headings: str) -> Grid:
        """The same lines with these columns."""
        places = [self.headings.index(heading) for heading in headings]
        lines = tuple(tuple(line[place] for place in places) for line in self.lines)
        return Grid(headings, lines, self.words, self.missing)


def signed(value_ms: float) -> str:
    """Whole milliseconds with a true minus sign; never "-0"."""
    whole = round(value_ms)
    return f"{MINUS}{-whole}" if whole < 0 else str(whole)


def one_count(counts: Sequence[int]) -> str:
    """One figure where all counts are the same."""
    return " / ".join(map(str, counts if len(set(counts)) > 1 else counts[:1])) or "0"


def markdown_table(grid: Grid) -> str:
    """A table of GitHub's Markdown, or the sentence why there is none."""
    if not grid.lines:
        return grid.missing
    rule = tuple("---" if heading in grid.words else "---:" for heading in grid.headings)
    lines = (grid.headings, rule, *(tuple(map(no_markup, line)) for line in grid.lines))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def no_markup(text: str) -> str:
    """One line, in which nothing is Markdown's markup: what a failed call said may hold anything."""
    return MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def terminal_table(grid: Grid) -> Table:
    """On a terminal of 80 columns headings and names wrap, and the figures stay whole."""
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    lines = [[cell.replace(" / ", "/") for cell in line] for line in grid.lines]
    for place, heading in enumerate(grid.headings):
        is_words = heading in grid.words
        widest = max(map(len, [*heading.split(), *(line[place] for line in lines)]))
        wrapped = heading.replace(" p50/", "\np50/")
        width = None if is_words and heading != VERDICT else widest
        table.add_column(wrapped, justify="left" if is_words else "right", width=width)
    for line in lines:
        table.add_row(*(Text(cell, STYLES.get(cell, "")) for cell in line))
    return table
