"""A first-word report as tables for a README."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.first_word.tables import notes, rows_grid, steps_grid
from bench.grid import markdown_table, no_markup
from bench.target import targets_grid

if TYPE_CHECKING:
    from bench.first_word.results import FirstWordReport


def as_markdown(report: FirstWordReport) -> str:
    """Command, tables, notes and what failed. No line at the end."""
    parts = [f"`{report.command}`", markdown_table(rows_grid(report)), markdown_table(targets_grid(report.targets))]
    parts += [markdown_table(steps_grid(report)), "\n".join(f"- {no_markup(note)}" for note in notes(report))]
    if failed := report.failures:
        parts.append("What failed:\n\n" + "\n".join(f"- {no_markup(line)}" for line in failed))
    return "\n\n".join(parts)
