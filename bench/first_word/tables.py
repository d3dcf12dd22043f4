"""The tables and sentences of a first-word report, as plain text that terminal, README and page all show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.first_word.effect import Effect, gained, lost
from bench.grid import NONE, Grid, one_count, signed
from bench.report import CAVEAT
from bench.stats import Quantiles, quantiles

if TYPE_CHECKING:
    from bench.first_word.results import FirstWordReport, Row, Step, Subject

SUBJECTS: tuple[Subject, ...] = ("starter", "firstword", "floor")
NO_ROWS = "No situation was measured."
HOW = (
    "First word: from the caller's connect call to the first audible sample at the caller, taken from the waveform. "
    "From the click: from the token request to the same sample; where the agent is sent for at the token, this holds "
    "the half second in which the caller gets ready."
)
WHO = (
    "Starter: an agent as the framework's examples write it. Floor: a publisher who is in the room and already "
    "sending. All are called in turns, in the same run. Over: firstword divided by the other, so 0.50 is half the time."
)
STEPS = (
    "All on, without: every step on, then this one off. None on, alone: every step off, then only this one on. "
    "Medians of calls in turns. In brackets: a difference that chance alone could make, as its 90 % interval holds "
    "zero or there are too few calls to tell."
)


def rows_grid(report: FirstWordReport) -> Grid:
    """A line a situation, and one more from the click where a token was asked for."""
    headings = (
        "first word, ms",
        *(f"{subject} p50/p90/p99" for subject in SUBJECTS),
        "over starter p50, p90",
        "over floor p50, p90",
        "n",
    )
    lines = [line for row in report.rows for line in _row_lines(row)]
    return Grid(headings, tuple(lines), frozenset(headings[:1]), NO_ROWS)


def tall_rows_grid(report: FirstWordReport) -> Grid:
    """The same as `rows_grid` for a narrow terminal: a line a subject, with the ratios on the line they are over."""
    headings = ("first word, ms", "p50", "p90", "p99", "firstword over it", "n")
    lines: list[tuple[str, ...]] = []
    for row in report.rows:
        lines.append((row.title, *[""] * (len(headings) - 1)))
        ours = quantiles(row.ttfw_ms.get("firstword", []))
        for subject in SUBJECTS:
            times = quantiles(row.ttfw_ms.get(subject, []))
            ratio = "" if subject == "firstword" else _ratio(ours, times)
            lines.append((f"  {subject}", *_three(times), ratio, str(times.n if times else 0)))
        if click := quantiles(row.click_ms):
            lines.append(("  firstword, from the click", *_three(click), "", str(click.n)))
    return Grid(headings, tuple(lines), frozenset(headings[:1]), NO_ROWS)


def steps_grid(report: FirstWordReport) -> Grid:
    """A line a step: its name, what switches it off, what was measured, and the differences of the medians."""
    headings = (
        *("step, ms", "switched off by", "measured"),
        *("all on", "without", "lost", "lost, 90 %"),
        *("none on", "alone", "gained", "gained, 90 %", "n"),
    )
    lines = tuple(_step_line(step) for step in report.steps)
    return Grid(headings, lines, frozenset(headings[:3]), "No step was measured: the run was made without them.")


def measured(step: Step) -> str:
    """What a step's figures count: "first word, join", "from the click, standby", "start of the worker"."""
    return {
        "TTFW": f"first word, {step.arrival}",
        "click": f"from the click, {step.arrival}",
        "ready": "start of the worker",
    }[step.unit]


def notes(report: FirstWordReport) -> list[str]:
    """What a reader must know beside the tables: counts, memory, machine, words and caveat, a line each."""
    counts = [(subject, *completed(report, subject)) for subject in SUBJECTS]
    done = ", ".join(f"{subject} {n} of {total}" if total else f"{subject} not called" for subject, n, total in counts)
    memory = quantiles(report.call_memory_mb)
    held = "not measured" if memory is None else f"{memory.p50_ms:.1f} MB (PSS, median of {memory.n})"
    return [
        f"Completed calls: {done}.",
        f"Memory of a further call: {held}.",
        f"Machine: {report.machine.one_line()}.",
        f"Providers: fixed delays; seed of the random arrivals: {report.seed}.",
        HOW,
        WHO,
        *([STEPS] if report.steps else []),
        CAVEAT,
    ]


def completed(report: FirstWordReport, subject: Subject) -> tuple[int, int]:
    """How many calls of all rows were completed, and how many there were."""
    done = sum(len(row.ttfw_ms.get(subject, ())) for row in report.rows)
    return done, done + sum(len(row.failed.get(subject, ())) for row in report.rows)


def over(ours: Quantiles | None, theirs: Quantiles | None) -> tuple[float, float] | None:
    """The first divided by the second, p50 and p90; None where one is missing or zero."""
    if ours is None or theirs is None or theirs.p50_ms <= 0 or theirs.p90_ms <= 0:
        return None
    return ours.p50_ms / theirs.p50_ms, ours.p90_ms / theirs.p90_ms


def interval(each: Effect | None) -> str:
    if each is None or each.interval_ms is None:
        return NONE
    return "{} to {}".format(*map(signed, each.interval_ms))


def difference(each: Effect | None) -> str:
    """In brackets where it is not clear."""
    if each is None:
        return NONE
    return signed(each.ms) if each.is_clear else f"({signed(each.ms)})"


def _row_lines(row: Row) -> list[tuple[str, ...]]:
    starter, ours, floor = (quantiles(row.ttfw_ms.get(subject, [])) for subject in SUBJECTS)
    # Whoever was not called has no count; whoever was called in vain has 0.
    called: list[Subject] = [subject for subject in SUBJECTS if row.ttfw_ms.get(subject) or row.failed.get(subject)]
    n = one_count([len(row.ttfw_ms.get(subject, ())) for subject in called])
    lines = [(row.title, *map(_times, (starter, ours, floor)), _ratio(ours, starter), _ratio(ours, floor), n)]
    if row.click_ms:
        click = quantiles(row.click_ms)
        title = f"{row.title}, from the click"
        # Over the floor says something only where the caller connects at once.
        ratio = _ratio(click, floor) if row.arrival == "standby" else NONE
        lines.append((title, NONE, _times(click), NONE, NONE, ratio, str(len(row.click_ms))))
    return lines


def _step_line(step: Step) -> tuple[str, ...]:
    sides = (step.all_ms, step.without_ms, step.none_ms, step.alone_ms)
    every, without, none, alone = (NONE if found is None else signed(found.p50_ms) for found in map(quantiles, sides))
    loss, gain = lost(step), gained(step)
    return (
        *(step.title, step.setting, measured(step)),
        *(every, without, difference(loss), interval(loss)),
        *(none, alone, difference(gain), interval(gain), one_count([len(side) for side in sides])),
    )


def _times(times: Quantiles | None) -> str:
    return NONE if times is None else " / ".join(_three(times))


def _three(times: Quantiles | None) -> tuple[str, str, str]:
    if times is None:
        return (NONE, NONE, NONE)
    return (f"{times.p50_ms:.0f}", f"{times.p90_ms:.0f}", f"{times.p99_ms:.0f}")


def _ratio(ours: Quantiles | None, theirs: Quantiles | None) -> str:
    ratios = over(ours, theirs)
    return NONE if ratios is None else "{:.2f}, {:.2f}".format(*ratios)
