"""A turns report as tables for a README."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.grid import markdown_table, no_markup
from bench.target import targets_grid
from bench.turns.tables import grids, notes

if TYPE_CHECKING:
    from bench.turns.results import TurnsReport


def as_markdown(report: TurnsReport) -> str:
    """Command, tables, notes and what failed. No line at the end."""
    parts = [f"`{report.command}`", *map(markdown_table, grids(report)), markdown_table(targets_grid(report.targets))]
    parts.append("\n".join(f"- {no_markup(note)}" for note in notes(report)))
    if failed := report.failures:
        parts.append("What failed:\n\n" + "\n".join(f"- {no_markup(line)}" for line in failed))
    return "\n\n".join(parts)
