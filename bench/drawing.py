"""A figure of a report, drawn wide and narrow, and told in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.lanes import INK, NARROW, WIDE, Axis, Lane, Layout, Line, draw
from bench.stats import quantiles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

GOLDEN = 0.618034


@dataclass(frozen=True)
class Drawing:
    """`words` says what the drawing shows; `wide` and `narrow` are `<svg>` elements."""

    title: str
    words: str
    wide: str
    narrow: str


def drawing(
    name: str,
    title: str,
    words: str,
    axis: Axis,
    lanes: Sequence[Lane],
    lines: Sequence[Line] = (),
    layout: Layout = WIDE,
) -> Drawing:
    """`name` makes its ids unique on the page; `layout` is that of the wide one."""
    wide = draw(f"{name}-wide", layout, axis, lanes, lines)
    return Drawing(title, words, wide, draw(f"{name}-narrow", NARROW, axis, lanes, lines))


def dots(axes: Axes, middle: float, *, values_ms: Sequence[float], color: str, shape: str) -> None:
    """Every sample, with a thick line at its p50 and a thin one at its p90."""
    # Heights by the golden ratio: neighbours never share one, and the same samples give the same figure.
    heights = [middle + 10 * ((number * GOLDEN) % 1 - 0.5) for number in range(len(values_ms))]
    axes.scatter(values_ms, heights, s=9, marker=shape, color=color, alpha=0.5, linewidths=0)
    if times := quantiles(values_ms):
        axes.plot([times.p50_ms] * 2, [middle - 8, middle + 8], color=INK, linewidth=2.25)
        axes.plot([times.p90_ms] * 2, [middle - 8, middle + 8], color=INK, linewidth=0.75)
