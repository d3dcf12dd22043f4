"""A report for a person: two tables, a sentence for each measure, and what to know about both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table

from accounts.report import Rate, Times
from accounts.statistics import LEAST_CALLS, LEAST_UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from accounts.report import Finding, Report, Side

UNLIKELY_SIZES = 0.001
METHOD = (
    "Differences are those of means, in which the slowest 5 % of the times count as the limit to them, and of rates. "
    "The interval is a bootstrap's over {units}. A difference is found where a permutation test says so: its p-values "
    "are corrected after Holm, so the chance of any false finding among these lines is 5 %, if you look once, at a "
    "number of calls that you chose before."
)


def sentence(finding: Finding, unit_name: str) -> str:
    """The verdict as one says it."""
    control, variant, found = finding.control, finding.variant, finding.difference
    title, unit = finding.measure.title, finding.measure.unit
    calls = f"{control.calls} and {variant.calls} calls"
    if finding.verdict == "too few calls":
        sides = " and ".join(f"{each.variant} has {_size(each, unit_name)}" for each in (control, variant))
        least = f"{LEAST_CALLS} calls" + ("" if unit_name == "calls" else f" of {LEAST_UNITS} {unit_name}")
        return f"{title}: too few calls: {sides}; a verdict needs {least} in each"
    if found is None:
        return f"{title}: none with {control.variant} and none with {variant.variant}, {calls}"
    if finding.verdict == "no difference found":
        interval = f"{_figure(found.low, unit)} to {_figure(found.high, unit)} {unit}"
        # One of many intervals lies beside zero by chance; that is what the correction is for.
        doubt = "" if found.low <= 0 <= found.high else ", which may be chance among so many lines"
        return f"{title}: no difference found for {variant.variant} (95 %: {interval}{doubt}), {calls}"
    low, high = sorted((abs(found.low), abs(found.high)))
    interval = f"(95 %: {_figure(low, unit)} to {_figure(high, unit)})"
    size = f"{_figure(abs(found.by), unit)} {unit}"
    return f"{title}: {variant.variant} is {finding.verdict} by {size} {interval}, {calls}"


def _size(side: Side, unit_name: str) -> str:
    return f"{side.calls}" if unit_name == "calls" else f"{side.calls} of {side.units} {unit_name}"


def tables(report: Report) -> Iterator[Table]:
    """Times and rates: a line with the measure, then one for each variant; 80 columns are enough."""
    times = _table("ms", "n", "p50", "p90", "p99", "difference", "95 %")
    rates = _table("", "calls", "events", "rate", "difference", "95 %")
    for finding in report.findings:
        is_time = finding.measure.times is not None
        table, figures = (times, _times) if is_time else (rates, _rate)
        if finding.variant.variant == report.variants[1]:
            unit = "" if is_time else f" {finding.measure.unit}"
            table.add_row(f"{finding.measure.title}{unit}")
            table.add_row(f"  {report.control}", *figures(finding.control))
        table.add_row(f"  {finding.variant.variant}", *figures(finding.variant), *_interval(finding))
    yield times
    yield rates


def notes(report: Report) -> Iterator[str]:
    """What was left out, what is suspicious, and how the verdicts were made."""
    if report.sizes_chance < UNLIKELY_SIZES:
        yield (
            "The sizes of the variants do not fit their weights: calls of some of them were not written, or were lost "
            "for a reason that has to do with the variant. Do not trust the verdicts before you know it."
        )
    if report.forced:
        yield f"{report.forced} calls had their variant chosen by an override: they are in no figure."
    if report.older:
        yield f"{report.older} calls were made before the experiment was changed: they are in no figure."
    if report.alone:
        yield f"{report.alone} calls, each of an unknown {(report.by or 'unit')}, stand for themselves."
    if report.by is None:
        yield f"It is in the file no more: {report.control}, the first by name, is taken for the control."
    yield METHOD.format(units=report.unit_name)


def _table(*headings: str) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for number, heading in enumerate(headings):
        table.add_column(heading, justify="right" if number else "left", overflow="fold")
    return table


def _times(side: Side) -> tuple[str, ...]:
    figures = side.figures
    if not isinstance(figures, Times):
        return "0", "-", "-", "-"
    return str(figures.n), *(_figure(each, "ms") for each in (figures.p50, figures.p90, figures.p99))


def _rate(side: Side) -> tuple[str, ...]:
    figures = side.figures
    shown = (f"{figures.events:.0f}", _figure(figures.rate, "")) if isinstance(figures, Rate) else ("-", "-")
    return str(side.calls), *shown


def _interval(finding: Finding) -> tuple[str, ...]:
    found, unit = finding.difference, finding.measure.unit
    return (
        () if found is None else (_signed(found.by, unit), f"{_signed(found.low, unit)} to {_signed(found.high, unit)}")
    )


def _signed(value: float, unit: str) -> str:
    figure = _figure(value, unit)
    return f"+{figure}" if value > 0 and float(figure) else figure


def _figure(value: float, unit: str) -> str:
    figure = f"{value:.0f}" if unit == "ms" else f"{value:.2f}"
    return figure if float(figure) else figure.removeprefix("-")
