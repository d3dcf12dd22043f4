"""What `bench quality` tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bench.quality.plan import NETWORKS
from bench.quality.results import WITHIN
from bench.report_file import write_report
from bench.stats import quantiles

if TYPE_CHECKING:
    from pathlib import Path

    from bench.quality.results import QualityReport
    from sim.lossy_link import Conditions

JSON_VERSION = 1
HEADINGS = (
    "network, each way",
    "score before",
    "bad",
    "after",
    "fell, looks",
    "recovered",
    "told, s",
    "of the end",
    "playout, ms",
    "late, ms",
)


def print_quality(report: QualityReport, console: Console | None = None) -> None:
    console = console or Console(highlight=False)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for number, heading in enumerate(HEADINGS):
        table.add_column(heading, justify="right" if number else "left")
    for each in report.rounds:
        table.add_row(
            _network(NETWORKS[each.network]),
            f"{each.before:.2f}",
            f"{each.during:.2f}",
            f"{each.after:.2f}",
            _or_never(each.fell),
            _or_never(each.recovered),
            _or_never(each.told_s),
            _or_never(each.eased_s),
            _or_never(each.playout_delay_ms),
            f"{each.late_ms:.0f}",
        )
    console.print(table)
    console.print(
        f"Looks from the change until the score is below, or at, what counts as good: at most {WITHIN} each. Told: the "
        "caller's side, of the state and of how long to hold sound back. Late: this process, in whose "
        "loop the network is.",
        markup=False,
    )
    took, busy = quantiles(report.cost.took_ms), quantiles(report.cost.busy_ms)
    if took is not None and busy is not None:
        console.print(
            f"One look at a call, n = {took.n}: {took.p50_ms:.1f} ms (p99 {took.p99_ms:.1f}), of which the event loop "
            f"is busy for {busy.p50_ms:.1f} ms (p99 {busy.p99_ms:.1f}); each {report.options.interval_s:g} s here.",
            markup=False,
        )
    console.print(f"Machine: {report.machine.one_line()}.", markup=False)
    for line in report.unsure:
        console.print(f"[bold yellow]unsure[/]  {line}")
    for line in report.failures:
        console.print(f"[bold red]failed[/]  {line}")


def write_quality(report: QualityReport, file: Path) -> None:
    """Plain data. `version` changes when a field does."""
    write_report(report, file, version=JSON_VERSION)


def _network(conditions: Conditions) -> str:
    told = {
        f"{conditions.loss:.0%} lost": conditions.loss,
        f"{conditions.delay_ms:g} ms": conditions.delay_ms,
        f"0 to {conditions.jitter_ms:g} ms": conditions.jitter_ms,
    }
    return ", ".join(words for words, value in told.items() if value)


def _or_never(value: float | None) -> str:
    if value is None:
        return "never"
    return str(value) if isinstance(value, int) else f"{value:.1f}"
