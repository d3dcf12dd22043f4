"""What `bench limits` tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bench.report_file import write_report
from bench.stats import quantiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.limits.results import LimitsReport

JSON_VERSION = 1


def print_limits(report: LimitsReport, console: Console | None = None) -> None:
    console = console or Console(highlight=False)
    if report.rushes:
        console.print(_rushes(report))
    if report.full:
        console.print(_full(report))
        for full in report.full:
            console.print(f"{full.name}: {full.answer}", markup=False)
    console.print(f"Machine: {report.machine.one_line()}.", markup=False)
    for failure in report.failures:
        console.print("[bold red]failed[/]  ", end="")
        console.print(failure, markup=False)


def write_limits(report: LimitsReport, file: Path) -> None:
    """Plain data, with every sample. `version` changes when a field does."""
    write_report(report, file, version=JSON_VERSION)


def _rushes(report: LimitsReport) -> Table:
    most = report.options.most_rooms
    table = _table("rooms at once", "asked", "given", "refused", "listed after", "most listed", "took, s", "exact, s")
    for rush in report.rushes:
        table.add_row(
            rush.name,
            str(rush.asked),
            str(rush.given),
            str(rush.refused),
            f"{rush.listed} of {most}",
            str(rush.most),
            f"{rush.took_s:.2f}",
            "never" if rush.exact_s is None else f"{rush.exact_s:.2f}",
        )
    return table


def _full(report: LimitsReport) -> Table:
    table = _table("one too many", "allowed", "stayed", "refused", "told after, ms p50", "p90")
    for full in report.full:
        table.add_row(full.name, str(full.allowed), str(full.held), str(full.refused), *_times(full.after_ms))
    return table


def _times(after_ms: Sequence[float]) -> tuple[str, str]:
    found = quantiles(after_ms)
    return ("-", "-") if found is None else (f"{found.p50_ms:.0f}", f"{found.p90_ms:.0f}")


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left")
    return table
