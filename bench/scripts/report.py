"""What a run of random scripts tells: how many there were, and each violation with what says it again."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.report_file import write_report
from bench.scripts.judge import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from bench.scripts.judge import Kind, Violation
    from bench.scripts.run import ScriptsReport

VERSION = 1
MEANING: dict[Kind, str] = {
    "unfinished": "an unfinished question was answered",
    "lost": "words were recognised and never told to the LLM",
    "not recognised": "words were not recognised",
    "unanswered": "a turn was not answered",
    "twice": "a turn was answered twice",
    "wrong words": "the LLM was told what nobody said",
}


def print_scripts(report: ScriptsReport, console: Console | None = None) -> None:
    console = console or Console(highlight=False)
    console.print(_table(report))
    judgements = [call.judgement for call in report.calls]
    in_pauses = sum(judgement.ended_in_pause for judgement in judgements)
    for line in (
        f"Ended in a pause longer than the profile waits, and answered there: {in_pauses}.",
        f"Replies that began while the caller spoke: {sum(j.talked_over for j in judgements)}. Sound of which nobody "
        f"knows what it answers: {sum(j.strange_sounds for j in judgements)}.",
        f"Said again, because this process was too busy to speak without a gap: {report.torn}.",
        f"Machine: {report.machine.one_line()}.",
        f"Command: {report.command}",
    ):
        console.print(line, markup=False)
    for violation in report.violations:
        _print_violation(violation, console)
    for failure in report.failed:
        console.print(Text.assemble(("failed", "bold red"), f"  {failure}"))
    for error in report.worker_lines:
        console.print(Text.assemble(("agent", "bold yellow"), f"  {error}"))


def write_scripts(report: ScriptsReport, file: Path) -> None:
    """Plain data, with every word, reply and request of every call."""
    write_report(report, file, version=VERSION)


def _table(report: ScriptsReport) -> Table:
    counts = Counter(violation.kind for violation in report.violations)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column(f"random scripts, {report.profile}")
    table.add_column("n", justify="right")
    table.add_row("scripts", str(len(report.calls)))
    table.add_row("turns", str(sum(call.judgement.turns for call in report.calls)))
    for kind in KINDS:
        table.add_row(MEANING[kind], str(counts[kind]), style="bold red" if counts[kind] else "green")
    table.add_row("calls that failed", str(len(report.failed)), style="bold red" if report.failed else "")
    return table


def _print_violation(violation: Violation, console: Console) -> None:
    console.print(
        Text.assemble(
            (violation.kind, "bold red"),
            f"  script {violation.script}, seed {violation.seed}, at {violation.at_s:.2f} s: {violation.detail}",
        )
    )
    console.print(f"    said: {violation.said}", markup=False)
    console.print(f"    answered by {violation.answered or 'nothing'}", markup=False)
