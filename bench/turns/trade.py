"""The figure of what is traded: how long an agent waits after a pause, and how many callers that cuts off."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bench.drawing import Drawing
from bench.lanes import FIRSTWORD, INK, LINE, SOFT, STARTER, Axis, Lane, Layout, draw
from bench.turns.tables import summaries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from bench.turns.results import TurnsReport
    from bench.turns.summary import Summary
    from bench.workers import Side

COLORS = {"starter": STARTER, "firstword": FIRSTWORD}
MARKS = {"starter": "sDPp", "firstword": "o^vX"}
DASHES = ("-", "--", ":", "-.")
SMALLEST_PT, LARGEST_PT = 4.0, 10.0
PLOT_PT = 190.0
MARGIN_PT = 12.0
"""Between the plot's area and the lines of 0 and 100 %: a large mark is not cut."""
KEY_LINE_PT = 16.0
WIDE = Layout(760, 48, 172, PLOT_PT, 8)
BEYOND = 0.12
"""Of the range of gaps, on either side of it."""
LEAST_MS = 100.0


@dataclass(frozen=True)
class Point:
    """One length of the pause. `gap_ms`: p50 of those heard out; `is_told` False: of all pauses, for want of any."""

    pause_ms: int
    gap_ms: float
    percent: float
    is_told: bool


@dataclass(frozen=True)
class Curve:
    """One side's points, the shortest pause first."""

    title: str
    side: Side
    points: tuple[Point, ...]
    mark: str
    dash: str


def trade_drawings(report: TurnsReport) -> list[Drawing]:
    """A line a side over the lengths of the pause; none where nobody was heard out after one."""
    curves = _curves(report)
    if not curves:
        return []
    gaps_ms = [point.gap_ms for curve in curves for point in curve.points]
    room_ms = max(LEAST_MS, (max(gaps_ms) - min(gaps_ms)) * BEYOND)
    low_ms, high_ms = max(0.0, min(gaps_ms) - room_ms), max(gaps_ms) + room_ms
    axis = Axis(low_ms, high_ms, "gap after such a pause, p50 ms")
    paint = partial(_paint, curves=curves, pauses_ms=report.pauses_ms)
    key_pt = KEY_LINE_PT * (len(curves) + 1)
    # The key stands beside the plot, or above it on a narrow page.
    wide_layout = Layout(WIDE.width_pt, WIDE.before_pt, WIDE.after_pt, max(PLOT_PT, key_pt), WIDE.ticks)
    narrow_layout = Layout(290, 13, 13, PLOT_PT + key_pt, 4)
    drawn = (
        draw(f"trade-{name}", layout, axis, [Lane("", "", partial(paint, layout=layout))])
        for name, layout in (("wide", wide_layout), ("narrow", narrow_layout))
    )
    title = "Callers who were cut off against the gap after a pause: a line a side, a mark a length of the pause"
    return [Drawing(title, f"{title}. {_words(report)}", *drawn)]


def _curves(report: TurnsReport) -> list[Curve]:
    found, curves = summaries(report), list[Curve]()
    for side in report.sides:
        if points := _points(found[side.id], report.pauses_ms):
            number = sum(curve.side == side.side for curve in curves)
            marks = MARKS[side.side]
            mark, dash = marks[number % len(marks)], DASHES[number % len(DASHES)]
            curves.append(Curve(side.title, side.side, points, mark, dash))
    return curves


def _points(found: Summary, pauses_ms: Sequence[int]) -> tuple[Point, ...]:
    if found.pause_gap is None:
        return ()
    points: list[Point] = []
    for pause_ms in pauses_ms:
        gap, share = found.pause_gap_by_pause[pause_ms], found.cut_off_by_pause[pause_ms]
        if share.rate is not None:
            told = found.pause_gap if gap is None else gap
            points.append(Point(pause_ms, told.p50_ms, 100 * share.rate, gap is not None))
    return tuple(points)


def _words(report: TurnsReport) -> str:
    """Also of sides without a line."""
    found = summaries(report)
    return ". ".join(
        f"{side.title}: {'; '.join(_told(found[side.id], pause_ms) for pause_ms in report.pauses_ms)}"
        for side in report.sides
    )


def _told(found: Summary, pause_ms: int) -> str:
    gap, share = found.pause_gap_by_pause[pause_ms], found.cut_off_by_pause[pause_ms]
    if share.rate is None:
        return f"{pause_ms} ms not measured"
    waited = "no gap" if gap is None else f"gap {gap.p50_ms:.0f} ms"
    return f"{pause_ms} ms {waited}, {100 * share.rate:.0f} % cut off"


def _paint(axes: Axes, middle: float, *, curves: Sequence[Curve], pauses_ms: Sequence[int], layout: Layout) -> None:
    bottom = middle + layout.lane_pt / 2 - MARGIN_PT
    height_pt = (PLOT_PT if layout.is_narrow else layout.lane_pt) - 2 * MARGIN_PT
    _paint_percents(axes, bottom, height_pt, layout)
    for curve in curves:
        heights = [bottom - height_pt * point.percent / 100 for point in curve.points]
        gaps_ms, color = [point.gap_ms for point in curve.points], COLORS[curve.side]
        axes.plot(gaps_ms, heights, color=color, linestyle=curve.dash, linewidth=1.25)
        for point, height in zip(curve.points, heights, strict=True):
            size_pt = _size_pt(point.pause_ms, pauses_ms)
            _mark(axes, point.gap_ms, height, curve, size_pt, is_filled=point.is_told)
    _paint_key(axes, middle - layout.lane_pt / 2, curves, pauses_ms, layout)


def _paint_percents(axes: Axes, bottom: float, height_pt: float, layout: Layout) -> None:
    beside = axes.get_yaxis_transform()
    for percent in (0, 25, 50, 75, 100):
        height = bottom - height_pt * percent / 100
        axes.plot([0, 1], [height] * 2, color=LINE, linewidth=0.75, transform=beside, zorder=0.5)
        if layout.is_narrow:
            axes.text(0.0, height - 2, f"{percent} %", transform=beside, ha="left", va="bottom", color=SOFT)
        else:
            at = -8 / layout.axes_pt
            axes.text(at, height, f"{percent} %", transform=beside, ha="right", va="center", color=SOFT)


def _paint_key(axes: Axes, top: float, curves: Sequence[Curve], pauses_ms: Sequence[int], layout: Layout) -> None:
    beside = axes.get_yaxis_transform()
    left_pt = 0.0 if layout.is_narrow else layout.axes_pt + 16
    for number, curve in enumerate(curves):
        height = top + KEY_LINE_PT * (number + 0.5)
        ends = [(left_pt + each) / layout.axes_pt for each in (0, 11, 22, 30)]
        axes.plot(
            [ends[0], ends[2]],
            [height] * 2,
            color=COLORS[curve.side],
            linestyle=curve.dash,
            linewidth=1.25,
            transform=beside,
            clip_on=False,
        )
        axes.plot(ends[1], height, curve.mark, color=COLORS[curve.side], markersize=6, transform=beside, clip_on=False)
        axes.text(ends[3], height, curve.title, transform=beside, ha="left", va="center", color=INK)
    lengths = ", ".join(map(str, pauses_ms)) if len(pauses_ms) < 4 else f"{pauses_ms[0]} to {pauses_ms[-1]}"
    height = top + KEY_LINE_PT * (len(curves) + 0.5)
    left = left_pt / layout.axes_pt
    axes.text(left, height, f"small to large: {lengths} ms", transform=beside, ha="left", va="center", color=SOFT)


def _mark(axes: Axes, gap_ms: float, height: float, curve: Curve, size_pt: float, *, is_filled: bool) -> None:
    color = COLORS[curve.side]
    axes.plot(
        gap_ms,
        height,
        curve.mark,
        color=color,
        markerfacecolor=color if is_filled else "none",
        markersize=size_pt,
        alpha=0.7,
        clip_on=False,
    )


def _size_pt(pause_ms: int, pauses_ms: Sequence[int]) -> float:
    """By its place among them."""
    place = pauses_ms.index(pause_ms) / max(1, len(pauses_ms) - 1)
    return SMALLEST_PT + (LARGEST_PT - SMALLEST_PT) * place
