"""What a storm tells: callers by fate, first words, restarts and kills, and what was left over."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bench.stats import quantiles
from bench.storm.plan import HEARS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.storm.run import StormReport

JSON_VERSION = 1
SAID: dict[str, str] = {
    "stays": "stayed",
    "late": "came late",
    "too late": "came after the agent's time",
    "never": "never came",
    "before": "hung up before the greeting",
    "during": "hung up during the greeting",
}


def print_storm(report: StormReport, console: Console | None = None) -> None:
    console = console or Console(highlight=False)
    console.print(_fates_table(report))
    console.print(_times_table(report))
    for restart in report.restarts:
        console.print(
            f"Restart at {restart.at_s:.0f} s: new workers ready after {restart.ready_s:.1f} s, old ones drained after "
            f"{restart.drained_s:.1f} s, exit code {restart.exit_code}."
        )
    for kill in report.kills:
        console.print(
            f"Kill at {kill.at_s:.0f} s: {len(kill.rooms)} rooms were on it, another worker in its place after "
            f"{kill.back_s:.1f} s."
        )
    console.print(_left_line(report))
    console.print(f"Machine: {report.machine.one_line()}.", markup=False)
    for unsure in report.unsure:
        console.print("[bold yellow]unsure[/]  ", end="")
        console.print(unsure, markup=False)
    for failure in report.failures:
        console.print("[bold red]failed[/]  ", end="")
        console.print(failure, markup=False)


def write_storm(report: StormReport, file: Path) -> None:
    """Plain data, with every call and what the workers wrote. `version` changes when a field does."""
    content = {"version": JSON_VERSION, "failures": report.failures, **asdict(report)}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _fates_table(report: StormReport) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("callers", "n", "greeted once and whole", "by a second agent", "unsure", "failed"):
        table.add_column(heading, justify="left" if heading == "callers" else "right")
    counted = Counter(call.fate for call in report.calls)
    for fate, said in SAID.items():
        calls = [call for call in report.calls if call.fate == fate]
        failed = sum(call.failed is not None for call in calls)
        unsure = sum(call.unsure is not None for call in calls)
        greeted, again = "-", "-"
        if fate in HEARS:
            good = [call for call in calls if call.failed is None and call.unsure is None]
            greeted, again = str(len(good)), str(sum(call.died for call in good))
        row = (said, str(counted[fate]), greeted, again, str(unsure), str(failed))
        table.add_row(*row, style="red" if failed else "")
    return table


def _times_table(report: StormReport) -> Table:
    stalls_ms = [
        heard.stalled_ms
        for call in report.calls
        if call.fate in HEARS and call.failed is None and call.unsure is None and not call.died
        for heard in call.heard.values()
    ]
    rescues_ms = [call.rescued_ms for call in report.calls if call.rescued_ms is not None]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading in ("of those who stayed, ms", "n", "p50", "p90", "p99"):
        table.add_column(heading, justify="left" if heading.startswith("of") else "right")
    table.add_row("floor (before the storm)", *_row(report.floor_ms))
    table.add_row("first word, agent was there", *_row(report.first_words_ms(waited_for=True)))
    table.add_row("first word, agent sent for", *_row(report.first_words_ms(waited_for=False)))
    table.add_row("first word after a kill", *_row(rescues_ms))
    table.add_row(f"greeting longer than {report.greeting_ms:.0f} ms by", *_row(stalls_ms))
    return table


def _row(samples_ms: Sequence[float]) -> tuple[str, ...]:
    found = quantiles(samples_ms)
    if found is None:
        return ("0", "-", "-", "-")
    return (str(found.n), f"{found.p50_ms:.0f}", f"{found.p90_ms:.0f}", f"{found.p99_ms:.0f}")


def _left_line(report: StormReport) -> str:
    left = report.leftovers
    clean = "never" if left.clean_after_s is None else f"{left.clean_after_s:.1f} s after the last caller"
    empty = "never" if left.empty_after_s is None else f"{left.empty_after_s:.1f} s after the page's server"
    before, after = report.held_before, report.held_after
    return (
        f"Only standby rooms left: {clean}; nothing left: {empty}. A worker's tasks {before.tasks} -> {after.tasks}, "
        f"files {before.file_descriptors} -> {after.file_descriptors}, threads {before.threads} -> {after.threads}, "
        f"memory {before.memory_mb:.0f} -> {after.memory_mb:.0f} MB."
    )
