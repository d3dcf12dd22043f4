"""A first-word report as tables for a README."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bench.first_word.tables import notes, rows_grid, steps_grid, targets_grid

if TYPE_CHECKING:
    from bench.first_word.results import FirstWordReport
    from bench.first_word.tables import Grid

# An underscore within a word is none, so names of settings stay as they are.
MARKUP = re.compile(r"[\\`*<\[\]|]|\b_|_\b")


def as_markdown(report: FirstWordReport) -> str:
    """Command, tables, notes and what failed. No line at the end."""
    parts = [f"`{report.command}`", *(_table(grid) for grid in (rows_grid(report), targets_grid(report)))]
    parts += [_table(steps_grid(report)), "\n".join(f"- {_plain(note)}" for note in notes(report))]
    if failed := report.failures:
        parts.append("What failed:\n\n" + "\n".join(f"- {_plain(line)}" for line in failed))
    return "\n\n".join(parts)


def _table(grid: Grid) -> str:
    if not grid.lines:
        return grid.missing
    rule = tuple("---" if heading in grid.words else "---:" for heading in grid.headings)
    lines = (grid.headings, rule, *(tuple(map(_plain, line)) for line in grid.lines))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _plain(text: str) -> str:
    """One line, in which nothing is markup: what a failed call said may hold anything."""
    return MARKUP.sub(r"\\\g<0>", " ".join(text.split()))
