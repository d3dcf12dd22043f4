"""Figures of lanes: one axis of milliseconds, a lane for each thing, its name and its figures in text beside it.

Matplotlib draws them as SVG. Text stays text, and colours become the page's own, so that they follow light and dark.
Lengths are points (1/72 inch), which are also the units of the SVG.
"""

from __future__ import annotations

import io
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from bench.grid import signed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

# Stand-ins that no figure uses otherwise; `_with_paints` puts the page's variables in their place.
INK, SOFT, LINE, STARTER, FIRSTWORD, FLOOR = ("#010101", "#020202", "#030303", "#040404", "#050505", "#060606")
PAINTS = {
    INK: "var(--ink)",
    SOFT: "var(--soft)",
    LINE: "var(--line)",
    STARTER: "var(--starter)",
    FIRSTWORD: "var(--accent)",
    FLOOR: "var(--floor)",
}
TEXT_PT = 8.5
LETTER_PT = 4.9
TEXT_LINE_PT = 11.0
BASELINE_PT = 8.5
TEXT_ORDER = 5
"""Above every line: the page gives text an edge of paper, so that a line ends before it."""
AXIS_PT = 20.0
SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"


@dataclass(frozen=True)
class Lane:
    """`paint` draws at the height that it is given; without it the lane is text alone.

    `is_soft`: less important. `above_pt`: a gap before it.
    """

    name: str
    figures: str
    paint: Callable[[Axes, float], None] | None
    is_soft: bool = False
    above_pt: float = 0.0


@dataclass(frozen=True)
class Axis:
    """From `low_ms` to `high_ms`; `label` says what is counted from where, empty where the page says it."""

    low_ms: float
    high_ms: float
    label: str = ""
    is_log: bool = False


@dataclass(frozen=True)
class Line:
    """A line through all lanes, with its name above. Several are told from left to right."""

    at_ms: float
    name: str
    color: str


@dataclass(frozen=True)
class Layout:
    """Names stand before and figures after the lanes, or both above each lane where the page is narrow."""

    width_pt: float
    before_pt: float
    after_pt: float
    lane_pt: float
    ticks: int

    @property
    def is_narrow(self) -> bool:
        return self.before_pt < 2 * TEXT_LINE_PT

    @property
    def axes_pt(self) -> float:
        return self.width_pt - self.before_pt - self.after_pt


WIDE = Layout(760, 176, 132, 20, 8)
WIDE_SHORT_NAMES = Layout(760, 58, 148, 17, 8)
NARROW = Layout(290, 13, 13, 18, 4)


def draw(name: str, layout: Layout, axis: Axis, lanes: Sequence[Lane], lines: Sequence[Line] = ()) -> str:
    """An `<svg>` without a size of its own; `name` makes its ids unique on the page."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    names = [_wrapped(lane, layout) for lane in lanes]
    tops = [0.0]
    for lane, text in zip(lanes, names, strict=True):
        tops.append(tops[-1] + _lane_pt(lane, text, layout))
    above_pt = 4 + TEXT_LINE_PT * len(lines)
    under_pt = AXIS_PT + (TEXT_LINE_PT + 3 if axis.label else 0)
    height_pt = above_pt + tops[-1] + under_pt
    # The salt makes the same report the same file; a dollar in a name is a dollar.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "text.parse_math": False, "font.size": TEXT_PT}):
        figure = Figure(figsize=(layout.width_pt / 72, height_pt / 72), dpi=72)
        box = (layout.before_pt / layout.width_pt, under_pt / height_pt)
        axes = figure.add_axes((*box, layout.axes_pt / layout.width_pt, tops[-1] / height_pt))
        _set_up(axes, axis, layout, tops[-1])
        for number, line in enumerate(lines):
            place_pt = layout.axes_pt * (line.at_ms - axis.low_ms) / (axis.high_ms - axis.low_ms)
            _draw_line(axes, line, place_pt=place_pt, above_pt=TEXT_LINE_PT * number, under_pt=tops[-1])
        for lane, text, top, bottom in zip(lanes, names, tops, tops[1:], strict=False):
            _draw_lane(axes, lane, text, layout, top + lane.above_pt, bottom)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _inline(out.getvalue(), name)


def _set_up(axes: Axes, axis: Axis, layout: Layout, height_pt: float) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    if axis.is_log:
        axes.set_xscale("log")
    axes.set_xlim(axis.low_ms, axis.high_ms)
    axes.set_ylim(height_pt, 0)
    steps = FixedLocator(_log_ticks(axis)) if axis.is_log else MaxNLocator(layout.ticks, steps=[1, 2, 5, 10])
    axes.xaxis.set_major_locator(steps)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(_tick))
    axes.yaxis.set_visible(False)
    axes.set_axisbelow(True)
    axes.grid(axis="x", color=LINE, linewidth=0.75)
    axes.tick_params(axis="x", length=0, labelcolor=SOFT, labelsize=TEXT_PT, pad=4)
    axes.set_xlabel(axis.label, color=SOFT, fontsize=TEXT_PT, labelpad=3)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set(color=SOFT, linewidth=0.75)
    if axis.low_ms < 0:
        axes.axvline(0, color=SOFT, linewidth=0.75)


def _draw_line(axes: Axes, line: Line, *, place_pt: float, above_pt: float, under_pt: float) -> None:
    # Before its line, where the lines to the right of it do not cross it; behind it where there is no room.
    side = "right" if place_pt >= len(line.name) * LETTER_PT else "left"
    axes.plot([line.at_ms] * 2, [-above_pt - 2, under_pt], color=line.color, linewidth=1.25, clip_on=False, zorder=3)
    axes.text(line.at_ms, -above_pt - 4, line.name, ha=side, va="bottom", color=line.color)


def _draw_lane(axes: Axes, lane: Lane, name: str, layout: Layout, top: float, bottom: float) -> None:
    lines = name.split("\n")
    if layout.is_narrow:
        first = top + BASELINE_PT
        last = first if _fits(lane, layout) else first + len(lines) * TEXT_LINE_PT
        name_at, figures_at, side = 0.0, 1.0, "left"
    else:
        last = (top + bottom) / 2 + TEXT_PT / 3
        first = last - (len(lines) - 1) / 2 * TEXT_LINE_PT
        name_at, figures_at, side = -8 / layout.axes_pt, 1 + (layout.after_pt - 2) / layout.axes_pt, "right"
    beside, color = axes.get_yaxis_transform(), SOFT if lane.is_soft else INK
    for number, line in enumerate(lines):
        axes.text(
            name_at, first + number * TEXT_LINE_PT, line, transform=beside, ha=side, color=color, zorder=TEXT_ORDER
        )
    axes.text(figures_at, last, lane.figures, transform=beside, ha="right", color=color, zorder=TEXT_ORDER)
    if lane.paint:
        lane.paint(axes, bottom - layout.lane_pt / 2)


def _wrapped(lane: Lane, layout: Layout) -> str:
    letters = (layout.axes_pt if layout.is_narrow else layout.before_pt - 8) / LETTER_PT
    return "\n".join(textwrap.wrap(lane.name, int(letters), break_on_hyphens=False))


def _lane_pt(lane: Lane, name: str, layout: Layout) -> float:
    lines = name.count("\n") + 1
    if not layout.is_narrow:
        return lane.above_pt + max(layout.lane_pt, lines * TEXT_LINE_PT + 2)
    text_pt = TEXT_LINE_PT * (lines if _fits(lane, layout) else lines + 1)
    return lane.above_pt + text_pt + (layout.lane_pt if lane.paint else 5)


def _fits(lane: Lane, layout: Layout) -> bool:
    """Whether name and figures fit in one line of a narrow page."""
    return (len(lane.name) + len(lane.figures) + 3) * LETTER_PT <= layout.axes_pt


def _tick(value_ms: float, _: object) -> str:
    return signed(value_ms)


def _log_ticks(axis: Axis) -> list[float]:
    # Less than a decade would show one or two of the usual steps.
    steps = (1, 2, 5) if axis.high_ms >= 10 * axis.low_ms else range(1, 10)
    ticks = [step * 10.0**decade for decade in range(7) for step in steps]
    return [tick for tick in ticks if axis.low_ms <= tick <= axis.high_ms]


def _inline(svg: str, name: str) -> str:
    """What a page can hold: no prolog, no size, no style sheet of its own, ids that occur once."""
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
    for element in root.iter():
        for key, value in element.items():
            if key == "id":
                element.set(key, f"{name}-{value}")
            elif key == f"{{{XLINK}}}href":
                element.set(key, value.replace("#", f"#{name}-"))
            else:
                element.set(key, _with_paints(value.replace("url(#", f"url(#{name}-")))
    del root.attrib["width"], root.attrib["height"]
    root.set("aria-hidden", "true")
    return ElementTree.tostring(root, encoding="unicode")


def _with_paints(style: str) -> str:
    for stand_in, paint in PAINTS.items():
        style = style.replace(stand_in, paint)
    return style
