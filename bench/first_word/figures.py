"""The three kinds of figures of a first-word report, each drawn wide and narrow, and told in words."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from bench.drawing import Drawing, dots, drawing
from bench.first_word.effect import gained, lost
from bench.first_word.tables import SUBJECTS, interval, measured
from bench.grid import signed
from bench.lanes import FIRSTWORD, FLOOR, INK, SOFT, STARTER, WIDE_SHORT_NAMES, Axis, Lane, Line
from bench.stats import quantiles

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.first_word.effect import Effect
    from bench.first_word.results import FirstWordReport, Row, Step, Subject, Waterfall

COLORS: dict[Subject, str] = {"starter": STARTER, "firstword": FIRSTWORD, "floor": FLOOR}
SHAPES: dict[Subject, str] = {"starter": "s", "firstword": "o", "floor": "D"}
BEFORE_MS = 620.0
"""A waterfall shows at most so much before the caller's connect call: the half second of a token, and a little."""
TICK = 5.0
PAIR_GAP_PT = 5.0
NAMES = {"first_audible_sample": "first audible sample leaves"}
"""The agent's clock tells when it left; the line of the figure is when it was heard."""


def row_drawings(report: FirstWordReport) -> list[Drawing]:
    """Every call as a dot, one drawing a situation that has any, all on the same axis."""
    every = [value for row in report.rows for value in chain(*row.ttfw_ms.values()) if value > 0]
    if not every:
        return []
    axis = Axis(min(every) * 0.8, max(every) * 1.2, is_log=True)
    return [
        drawing(
            f"row{number}",
            row.title,
            _row_words(row),
            axis,
            [_row_lane(row, subject) for subject in SUBJECTS],
            layout=WIDE_SHORT_NAMES,
        )
        for number, row in enumerate(report.rows)
        if any(row.ttfw_ms.values())
    ]


def step_drawings(report: FirstWordReport) -> list[Drawing]:
    """Two bars a step, one drawing for each thing that steps were measured by."""
    groups: dict[str, list[Step]] = {}
    for step in report.steps:
        groups.setdefault(step.unit, []).append(step)
    titles = {"TTFW": "First word", "click": "From the click", "ready": "Start of the worker until it takes calls"}
    drawings: list[Drawing] = []
    for unit, steps in groups.items():
        pairs = [(step, lost(step), gained(step)) for step in steps]
        ends = [0.0, *chain.from_iterable(_ends(each) for pair in pairs for each in pair[1:])]
        room = (max(ends) - min(ends) or 1.0) * 0.04
        axis = Axis(min(ends) - (room if min(ends) < 0 else 0), max(ends) + room, "ms, difference of the medians")
        lanes = [lane for pair in pairs for lane in _step_lanes(*pair)]
        words = ". ".join(_step_words(*pair) for pair in pairs)
        drawings.append(drawing(f"step-{unit}", titles[unit], words, axis, lanes))
    return drawings


def waterfall_drawings(report: FirstWordReport) -> list[Drawing]:
    """Spans as bars, marks as ticks, on the caller's clock."""
    return [_waterfall(number, waterfall) for number, waterfall in enumerate(report.waterfalls)]


def _row_words(row: Row) -> str:
    said = [f"{subject} {_row_figures(row, subject)}" for subject in SUBJECTS]
    return f"First word, {row.title}, in ms: {'; '.join(said)}."


def _row_figures(row: Row, subject: Subject) -> str:
    times = quantiles(row.ttfw_ms.get(subject, []))
    failed = len(row.failed.get(subject, ()))
    if times is None:
        return f"none of {failed} completed" if failed else "not measured"
    lost_calls = f", {failed} failed" if failed else ""
    return f"p50 {times.p50_ms:.0f}, p90 {times.p90_ms:.0f}{lost_calls}"


def _row_lane(row: Row, subject: Subject) -> Lane:
    values_ms = row.ttfw_ms.get(subject, [])
    paint = partial(dots, values_ms=values_ms, color=COLORS[subject], shape=SHAPES[subject]) if values_ms else None
    return Lane(subject, _row_figures(row, subject), paint, is_soft=not values_ms)


def _ends(each: Effect | None) -> tuple[float, ...]:
    return () if each is None else (each.ms, *(each.interval_ms or ()))


def _step_lanes(step: Step, loss: Effect | None, gain: Effect | None) -> list[Lane]:
    return [
        Lane(
            step.title,
            _effect_figures("lost", loss),
            loss and partial(_bar, each=loss, is_filled=True),
            above_pt=PAIR_GAP_PT,
        ),
        Lane(
            step.setting,
            _effect_figures("gained", gain),
            gain and partial(_bar, each=gain, is_filled=False),
            is_soft=True,
        ),
    ]


def _effect_figures(verb: str, each: Effect | None) -> str:
    if each is None:
        return f"{verb}: not measured"
    return f"{verb} {signed(each.ms)} ({interval(each) if each.interval_ms else 'few calls'})"


def _step_words(step: Step, loss: Effect | None, gain: Effect | None) -> str:
    figures = f"{_effect_figures('lost', loss)}, {_effect_figures('gained', gain)}"
    return f"{step.title} ({measured(step)}, ms): {figures}"


def _bar(axes: Axes, middle: float, *, each: Effect, is_filled: bool) -> None:
    fill = FIRSTWORD if is_filled else "none"
    axes.barh(middle, each.ms, height=9, color=fill, edgecolor=FIRSTWORD, linewidth=1.0)
    if each.interval_ms:
        low, high = each.interval_ms
        axes.plot([low, high], [middle] * 2, color=INK, linewidth=1.0)
        axes.plot([low, high], [middle] * 2, color=INK, linestyle="none", marker="|", markersize=TICK)


def _waterfall(number: int, waterfall: Waterfall) -> Drawing:
    spans = sorted(waterfall.spans, key=lambda span: (span.begin_ms, span.end_ms))
    marks = sorted(waterfall.marks.items(), key=lambda mark: mark[1])
    first = min([0.0, *(span.begin_ms for span in spans), *(at_ms for _, at_ms in marks)])
    low, high = max(first, -BEFORE_MS), waterfall.ttfw_ms
    room = (high - low) * 0.04
    axis = Axis(low - (room if low < 0 else 0), high + 3 * room, "ms from the connect call")
    lanes = [
        *(
            Lane(
                _plain(span.name),
                f"{signed(span.begin_ms)} to {signed(span.end_ms)}",
                partial(_span, begin_ms=span.begin_ms, end_ms=span.end_ms, axis=axis),
            )
            for span in spans
        ),
        *(
            Lane(_plain(name), f"at {signed(at_ms)}", partial(_mark, at_ms=at_ms, axis=axis), is_soft=True)
            for name, at_ms in marks
        ),
    ]
    lines = (
        Line(0.0, "connect call", SOFT),
        Line(waterfall.ttfw_ms, f"first audible sample, {waterfall.ttfw_ms:.0f} ms", INK),
    )
    lanes = lanes or [Lane("no stage was told", "", None, is_soft=True)]
    said = ", ".join(f"{lane.name} {lane.figures}".strip() for lane in lanes)
    words = (
        f"One call, {waterfall.title}: first audible sample {waterfall.ttfw_ms:.0f} ms from the connect call; {said}."
    )
    return drawing(f"waterfall{number}", waterfall.title, words, axis, lanes, lines)


def _span(axes: Axes, middle: float, *, begin_ms: float, end_ms: float, axis: Axis) -> None:
    if end_ms < axis.low_ms or begin_ms > axis.high_ms:
        _arrow(axes, middle, axis, is_before=end_ms < axis.low_ms)
        return
    begin, end = max(begin_ms, axis.low_ms), min(end_ms, axis.high_ms)
    # A stage of a millisecond is still seen.
    least = (axis.high_ms - axis.low_ms) * 0.003
    axes.barh(middle, max(end - begin, least), left=begin, height=9, color=FIRSTWORD)
    for is_cut, is_before in ((begin_ms < axis.low_ms, True), (end_ms > axis.high_ms, False)):
        if is_cut:
            _arrow(axes, middle, axis, is_before=is_before)


def _mark(axes: Axes, middle: float, *, at_ms: float, axis: Axis) -> None:
    if axis.low_ms <= at_ms <= axis.high_ms:
        axes.plot([at_ms] * 2, [middle - TICK, middle + TICK], color=INK, linewidth=1.75)
    else:
        _arrow(axes, middle, axis, is_before=at_ms < axis.low_ms)


def _arrow(axes: Axes, middle: float, axis: Axis, *, is_before: bool) -> None:
    """It goes on, or lies, beyond what is shown."""
    at_ms, shape = (axis.low_ms, "<") if is_before else (axis.high_ms, ">")
    axes.plot([at_ms], [middle], marker=shape, markersize=TICK, color=INK, clip_on=False)


def _plain(name: str) -> str:
    return NAMES.get(name, name.replace("_", " "))
