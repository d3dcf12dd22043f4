"""The tables and sentences of a report on accounts, as plain text that terminal and Markdown both show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.first_word.tables import over
from bench.grid import NONE, Grid, signed
from bench.report import CAVEAT
from bench.stats import quantiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.accounts.plan import Kind
    from bench.accounts.results import AccountsReport, Pair

KINDS: dict[Kind, str] = {
    "one": "always the same account",
    "any": "any of the known accounts",
    "warm": "a known account",
    "new": "an account that nobody has called",
}
HOW = (
    "First word: from the caller's connect call to the first audible sample at the caller, taken from the waveform; "
    "the two kinds of a table are called in turns. "
    "Known: read at the start, and its greeting spoken. "
    "Faults: a caller hears the account that they called if the worker has it in memory, else the service's own words."
)


def grids(report: AccountsReport) -> Iterator[Grid]:
    """Those of the parts that were measured."""
    if report.many or report.new:
        yield pairs_grid(report)
    if report.waterfalls:
        yield spans_grid(report)
    if report.faults:
        yield faults_grid(report)
    if report.verdicts:
        yield verdicts_grid(report)


def pairs_grid(report: AccountsReport) -> Grid:
    """A line a kind of call, and by how much the one differs from the other."""
    headings = ("first word, ms", "p50", "p90", "p99", "n", "over it p50, p90", "more p50, p90")
    lines = [line for pair in (*report.many, *report.new) for line in _pair_lines(pair, len(headings))]
    return Grid(headings, tuple(lines), frozenset(headings[:1]), "No calls were compared.")


def spans_grid(report: AccountsReport) -> Grid:
    """What the agent did when in a typical call of each kind: what overlaps is seen by its times."""
    headings = ("a typical call, ms from the connect call", "begin", "end", "took")
    lines: list[tuple[str, ...]] = []
    for each in report.waterfalls:
        lines.append((f"{each.title}: heard at {each.ttfw_ms:.0f}", "", "", ""))
        lines += [
            (f"  {span.name}", signed(span.begin_ms), signed(span.end_ms), signed(span.end_ms - span.begin_ms))
            for span in sorted(each.spans, key=lambda span: span.begin_ms)
        ]
    return Grid(headings, tuple(lines), frozenset(headings[:1]), "No call told its timeline.")


def faults_grid(report: AccountsReport) -> Grid:
    """A line a fault: who heard what, what was counted, and how much was written."""
    headings = ("what was wrong", "calls", "own words", "service's words", "wrong", "log lines", "events", "counted")
    lines = tuple(
        (
            *(fault.title, str(fault.calls), str(fault.own), str(fault.default), str(len(fault.wrong))),
            *(str(fault.lines), str(fault.events)),
            ", ".join(f"{reason} {count}" for reason, count in fault.counts.items()) or NONE,
        )
        for fault in report.faults
    )
    return Grid(headings, lines, frozenset((headings[0], headings[-1])), "No fault was shown.")


def verdicts_grid(report: AccountsReport) -> Grid:
    """A line an experiment: what is true, and what the report found."""
    headings = ("experiment", "true effect", "calls", "first word, should be", "first word, found", "found besides")
    lines = tuple(
        (
            *(each.experiment, each.effect, ", ".join(f"{name} {n}" for name, n in each.calls.items())),
            *(each.should_be, each.first_word, ", ".join(each.others) or NONE),
        )
        for each in report.verdicts
    )
    return Grid(headings, lines, frozenset(headings), "No experiment was run.")


def notes(report: AccountsReport) -> list[str]:
    """What a reader must know beside the tables, a line each."""
    return [*_facts(report), f"Machine: {report.machine.one_line()}.", HOW, CAVEAT]


def details(report: AccountsReport) -> list[str]:
    """Every line of what was wrong, and each sentence of the experiments' report."""
    mixed = report.apart
    found = [f"{fault.name}: {line}" for fault in report.faults for line in fault.wrong]
    if mixed is not None:
        found += [*mixed.words, *mixed.voice, *mixed.instructions, *mixed.tools, *mixed.transcript]
    return found


def sentences(report: AccountsReport) -> list[str]:
    """What `experiment report` says of these calls."""
    return [f"{each.experiment}: {line}" for each in report.verdicts for line in each.sentences]


def _facts(report: AccountsReport) -> Iterator[str]:
    yield f"Accounts: {report.accounts}, known: {report.called}, seed {report.seed}."
    if report.synthesis is not None:
        synthesis = report.synthesis
        yield (
            f"The simulated TTS on a greeting of {synthesis.sound_ms / 1000:.1f} s: first byte after "
            f"{synthesis.first_byte_ms:.0f} ms, last byte after {synthesis.whole_ms:.0f} ms."
        )
    if report.memory is not None:
        pss = report.memory.pss_bytes
        process = "not told by this system" if pss is None else f"{pss / 1000:.1f} KB of the process (PSS)"
        traced = report.memory.traced_bytes / 1000
        yield f"A cached account, {report.memory.accounts} in the cache: {traced:.1f} KB of Python's, {process}."
    if report.audio is not None:
        audio = report.audio
        yield (
            f"Greetings in memory: {audio.in_memory} of {audio.most_in_memory} at most, "
            f"{audio.memory_bytes / 1e6:.1f} MB; on disk {audio.disk_bytes / 1e6:.1f} of "
            f"{audio.most_disk_bytes / 1e6:.1f} MB at most."
        )
    if report.apart is not None:
        apart = report.apart
        yield (
            f"At once: {apart.calls} calls. Looked at: {apart.requests} LLM requests, {apart.voices} voices; "
            f"{apart.unclear} more voices came in pieces, as this machine was too busy."
        )


def _pair_lines(pair: Pair, columns: int) -> Iterator[tuple[str, ...]]:
    ours, theirs = (quantiles(pair.ttfw_ms[kind]) for kind in pair.kinds)
    yield (pair.title, *[""] * (columns - 1))
    ratios = over(ours, theirs)
    more = (
        NONE
        if ours is None or theirs is None
        else f"{signed(ours.p50_ms - theirs.p50_ms)}, {signed(ours.p90_ms - theirs.p90_ms)}"
    )
    for kind, times in zip(pair.kinds, (ours, theirs), strict=True):
        figures = (NONE,) * 3
        if times is not None:
            figures = tuple(f"{ms:.0f}" for ms in (times.p50_ms, times.p90_ms, times.p99_ms))
        compared = ("", "") if kind == pair.kinds[0] else ("{:.2f}, {:.2f}".format(*ratios) if ratios else NONE, more)
        yield (f"  {KINDS[kind]}", *figures, str(times.n if times else 0), *compared)
