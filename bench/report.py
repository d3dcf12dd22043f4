"""What a run of the benchmark tells: a table for the terminal, one for a README, JSON with every sample."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from pathlib import Path

    from bench.run import BenchReport, Side
    from bench.stats import Comparison, Quantiles

JSON_VERSION = 1
SIDES: tuple[Side, ...] = ("starter", "firstword")
CAVEAT = (
    "Loopback network and simulated providers: what the two sides differ by, not what a caller far away would hear. "
    "The cores are shared by server, providers, both workers and caller."
)
HEADINGS = ("ms", "starter p50/p90/p99", "firstword p50/p90/p99", "ratio p50, p90", "n", "floor p50/p90")


def rows(comparisons: list[Comparison]) -> list[tuple[str, ...]]:
    """One row a measure, under `HEADINGS`. What was not measured is a dash."""
    return [
        (
            each.measure,
            _times(each.starter),
            _times(each.firstword),
            f"{each.ratios.p50:.2f}x, {each.ratios.p90:.2f}x" if each.ratios else "-",
            _counts(each),
            f"{each.floor.p50_ms:.0f} / {each.floor.p90_ms:.0f}" if each.floor else "-",
        )
        for each in comparisons
    ]


def notes(report: BenchReport) -> list[str]:
    """Completed calls, machine, providers and caveat, a line each."""
    done = ", ".join("{} {} of {}".format(side, *report.completed(side)) for side in SIDES)
    options = report.options
    seed = f" (seed {options.seed})" if options.latency == "published" else ""
    return [
        f"Completed calls: {done}.",
        f"Machine: {report.machine.one_line()}.",
        f"Providers: {options.latency} delays{seed}; turn detection of the starter: {options.turn_detection}. "
        "Floor: for the first word a publisher who is in the room and sending, for the gap LLM + TTS.",
        f"Ratio: starter divided by firstword. {CAVEAT}",
    ]


def print_report(report: BenchReport, *, markdown: bool, console: Console | None = None) -> None:
    console = console or Console(highlight=False)
    if markdown:
        console.print(as_markdown(report), markup=False, soft_wrap=True)
    else:
        console.print(_table(report))
        for note in notes(report):
            console.print(note, markup=False)
    for sample in report.failed:
        console.print(f"[bold red]failed[/]  {sample.side}, {sample.call.arrival}: ", end="")
        console.print(sample.call.failed, markup=False)


def as_markdown(report: BenchReport) -> str:
    lines = [HEADINGS, ("---",) * len(HEADINGS), *rows(report.comparisons())]
    table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{table}\n\n" + "\n".join(f"- {note}" for note in notes(report))


def as_dict(report: BenchReport) -> dict[str, Any]:
    """Plain data, with every sample. `version` changes when a field does."""
    return {
        "version": JSON_VERSION,
        "options": asdict(report.options),
        "machine": asdict(report.machine),
        "summary": [asdict(each) for each in report.comparisons()],
        "samples": [{"side": sample.side, **asdict(sample.call)} for sample in report.samples],
        "floor_ms": list(report.floor_ms),
    }


def write_json(report: BenchReport, file: Path) -> None:
    file.write_text(json.dumps(as_dict(report), indent=1) + "\n", encoding="utf-8")


def _table(report: BenchReport) -> Table:
    table, lines = Table(box=None, padding=(0, 1, 0, 0), header_style="bold"), rows(report.comparisons())
    for number, heading in enumerate(HEADINGS):
        # On a terminal of 80 columns headings and names wrap, and the figures stay whole.
        widest = max(map(len, [*heading.split(), *(line[number] for line in lines)]))
        table.add_column(heading, justify="right" if number else "left", width=widest if number else None)
    for line in lines:
        table.add_row(*line)
    return table


def _times(times: Quantiles | None) -> str:
    return "-" if times is None else f"{times.p50_ms:.0f} / {times.p90_ms:.0f} / {times.p99_ms:.0f}"


def _counts(each: Comparison) -> str:
    counts = [str(side.n if side else 0) for side in (each.starter, each.firstword)]
    return counts[0] if counts[0] == counts[1] else " / ".join(counts)
