"""The figures of a turns report: every gap, what each gap costs in cut-offs, and what stops the agent."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bench.drawing import Drawing, dots, drawing
from bench.lanes import FIRSTWORD, SOFT, STARTER, Axis, Lane, Line
from bench.stats import quantiles
from bench.turns.results import gaps_ms
from bench.turns.tables import summaries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from bench.turns.results import SideResult, TurnsReport
    from bench.turns.summary import Share

COLORS = {"starter": STARTER, "firstword": FIRSTWORD}
SHAPES = {"starter": "s", "firstword": "o"}
ROOM = 1.05
LEAST_PERCENT = 0.6
"""A share of nothing is still seen as a line."""
SIDE_GAP_PT = 6.0


def gap_drawings(report: TurnsReport) -> list[Drawing]:
    """Each turn as a dot, a lane a side; none without a turn."""
    groups = (("gap", "Plain questions"), ("arabic", "Arabic"))
    drawings: list[Drawing] = []
    for part, title in groups:
        lanes = [(side, gaps_ms(turn for turn in side.turns if turn.part == part)) for side in report.sides]
        drawings += _gap_drawing(f"gap-{part}", title, lanes, report.providers_ms)
    paused = [(side, gaps_ms(turn for turn in side.turns if turn.part == "pause")) for side in report.sides]
    return [*drawings, *_gap_drawing("gap-pause", "Sentences with a pause, as far as heard out", paused, None)]


def curve_drawings(report: TurnsReport) -> list[Drawing]:
    """How many callers were cut off, a bar a length of the pause, beside the side's gap; none without a pause."""
    found = summaries(report)
    measured = [(side, found[side.id]) for side in report.sides if side.of("pause")]
    if not measured:
        return []
    lanes: list[Lane] = []
    for side, each in measured:
        gap = "no gap measured" if each.gap is None else f"gap p50 {each.gap.p50_ms:.0f} ms"
        lanes.append(Lane(side.title, f"{gap}, {_figures(each.cut_off)}", None, above_pt=SIDE_GAP_PT))
        for pause in report.pauses_ms:
            share = each.cut_off_by_pause[pause]
            paint = None if share.rate is None else partial(_bar, percent=100 * share.rate, side=side.side)
            lanes.append(Lane(f"{pause} ms", _figures(share), paint, is_soft=True))
        for name, share in (("after um", each.filler_cut_off), ("Arabic", each.arabic_cut_off)):
            paint = None if share.rate is None else partial(_bar, percent=100 * share.rate, side=side.side)
            lanes.append(Lane(name, _figures(share), paint, is_soft=True))
    words = ". ".join(f"{lane.name}: {lane.figures}" for lane in lanes)
    axis = Axis(0, 100 * ROOM, "% of the sentences with such a pause")
    return [drawing("curve", "Callers who were cut off, by the length of their pause", words, axis, lanes)]


def barge_in_drawings(report: TurnsReport) -> list[Drawing]:
    """Each true interruption as a dot: how long the agent went on."""
    lanes = [(side, [each.stop_ms for each in side.barge_ins]) for side in report.sides if side.barge_ins]
    return _gap_drawing("barge", "True interruptions: how long the agent's sound went on", lanes, None)


def _gap_drawing(
    name: str, title: str, sides: Sequence[tuple[SideResult, list[float]]], providers_ms: float | None
) -> list[Drawing]:
    every = [value for _, values in sides for value in values]
    if not every:
        return []
    lanes = [_lane(side, values) for side, values in sides]
    lines = [] if providers_ms is None else [Line(providers_ms, f"LLM + TTS, {providers_ms:.0f} ms", SOFT)]
    words = f"{title}, in ms: {'; '.join(f'{lane.name} {lane.figures}' for lane in lanes)}."
    return [drawing(name, title, words, Axis(0, max(every) * ROOM, "ms"), lanes, lines)]


def _lane(side: SideResult, values: list[float]) -> Lane:
    times = quantiles(values)
    figures = "not measured" if times is None else f"p50 {times.p50_ms:.0f}, p90 {times.p90_ms:.0f}"
    paint = partial(dots, values_ms=values, color=COLORS[side.side], shape=SHAPES[side.side]) if values else None
    return Lane(side.title, figures, paint, is_soft=not values)


def _bar(axes: Axes, middle: float, *, percent: float, side: str) -> None:
    axes.barh(middle, max(percent, LEAST_PERCENT), height=9, color=COLORS[side])


def _figures(share: Share) -> str:
    return "not measured" if share.rate is None else f"{100 * share.rate:.0f} % ({share.count} of {share.n})"
