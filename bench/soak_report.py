"""What a soak run tells: lost calls, growth, residuals."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bench.residuals import GOAL_MS
from bench.stats import quantiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.soak import SoakReport

JSON_VERSION = 1


def print_soak(report: SoakReport, console: Console | None = None) -> None:
    console = console or Console(highlight=False)
    console.print(_growth_table(report))
    console.print(_residual_table(report))
    console.print(f"Calls: {len(report.calls) - len(report.lost)} of {len(report.calls)} completed.")
    console.print(f"One way through the server: {report.downlink_ms:.1f} ms (p50), taken off the residuals.")
    console.print(f"Machine: {report.machine.one_line()}.", markup=False)
    for failure in report.failures:
        console.print("[bold red]failed[/]  ", end="")
        console.print(failure, markup=False)


def write_soak(report: SoakReport, file: Path) -> None:
    """Plain data, with every sample. `version` changes when a field does."""
    content = {"version": JSON_VERSION, **asdict(report)}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _growth_table(report: SoakReport) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("held after a call", "first", "last", "growth", "allowed"):
        table.add_column(heading, justify="left" if heading.startswith("held") else "right")
    for each in report.growths:
        style = "red" if each.leaks else ""
        figures = (f"{value:.0f}" for value in (each.first, each.last, each.by, each.allowed))
        table.add_row(each.name.replace("_", " "), *figures, style=style)
    return table


def _residual_table(report: SoakReport) -> Table:
    first = [call.residuals.first_word_ms for call in report.calls if call.residuals.first_word_ms is not None]
    turns = [residual_ms for call in report.calls for residual_ms in call.residuals.turns_ms]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("caller less timeline, ms", "n", "p50", "p90 of size", "largest", f"over {GOAL_MS:.0f} ms"):
        table.add_column(heading, justify="left" if heading.startswith("caller") else "right")
    table.add_row("first word", *_residual_row(first))
    table.add_row("turns", *_residual_row(turns))
    return table


def _residual_row(residuals_ms: Sequence[float]) -> tuple[str, ...]:
    signed, sizes = quantiles(residuals_ms), quantiles([abs(value) for value in residuals_ms])
    if signed is None or sizes is None:
        return ("0", "-", "-", "-", "-")
    over = sum(abs(value) > GOAL_MS for value in residuals_ms)
    largest = max(residuals_ms, key=abs)
    return (str(signed.n), f"{signed.p50_ms:+.1f}", f"{sizes.p90_ms:.1f}", f"{largest:+.1f}", str(over))
