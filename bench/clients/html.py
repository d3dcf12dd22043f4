"""A report as one page that needs nothing else: tables, and every connection attempt in time."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.clients.tables import NAMES, asked_grid, errors, notes, restarts_grid, sides_grid
from bench.drawing import Drawing, dots, drawing
from bench.lanes import FIRSTWORD, FLOOR, INK, SOFT, STARTER, WIDE_SHORT_NAMES, Axis, Lane
from bench.page import render
from bench.stats import quantiles
from bench.target import targets_grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bench.clients.plan import SideName
    from bench.clients.results import ClientsReport, Restart, Side

TEMPLATE = Path(__file__).with_name("page.html.jinja")
COLORS: dict[SideName, str] = {"pool": FIRSTWORD, "shared": FLOOR, "new": STARTER}
SHAPES: dict[SideName, str] = {"pool": "o", "shared": "D", "new": "s"}
GOLDEN = 0.618034


def write_html(report: ClientsReport, file: Path) -> None:
    """Write the page to `file`. Raises OSError when that is not possible."""
    file.write_text(as_html(report), encoding="utf-8")


def as_html(report: ClientsReport) -> str:
    """One document: nothing in it is fetched from anywhere."""
    return render(
        TEMPLATE,
        report=report,
        targets=targets_grid(report.targets),
        sides=sides_grid(report),
        asked=asked_grid(report),
        restarts=restarts_grid(report),
        calls_drawing=calls_drawing(report),
        attempts_drawing=attempts_drawing(report),
        notes=notes(report),
        failures=errors(report),
    )


def calls_drawing(report: ClientsReport) -> Drawing | None:
    """Each call a dot, on one logarithmic axis."""
    every = [ms for side in report.sides for ms in side.calls_ms if ms > 0]
    if not every:
        return None
    words = "; ".join(f"{NAMES[side.name]} {_figures(side)}" for side in report.sides)
    lanes = [_side_lane(side) for side in report.sides]
    axis = Axis(max(min(every) * 0.8, 0.01), max(every) * 1.2, is_log=True)
    return drawing("calls", "Every call, ms", f"Time of a call, p50 / p99 in ms: {words}.", axis, lanes)


def attempts_drawing(report: ClientsReport) -> Drawing | None:
    """A lane a restart: each socket that was opened, on a bar for as long as LiveKit was away."""
    if not report.restarts:
        return None
    latest = max(max((each.back_ms, *each.attempts_ms)) for each in report.restarts)
    words = ". ".join(
        f"Restart {number}: away for {each.back_ms:.0f} ms, {len(each.attempts_ms)} sockets opened"
        for number, each in enumerate(report.restarts, 1)
    )
    lanes = [
        Lane(str(number), _recovery(each), partial(_attempts, restart=each))
        for number, each in enumerate(report.restarts, 1)
    ]
    axis = Axis(0, latest * 1.05, "ms after the kill")
    title = "Attempts to connect, all clients together"
    return drawing("attempts", title, words + ".", axis, lanes, layout=WIDE_SHORT_NAMES)


def _side_lane(side: Side) -> Lane:
    paint = partial(dots, values_ms=side.calls_ms, color=COLORS[side.name], shape=SHAPES[side.name])
    return Lane(NAMES[side.name], _figures(side), paint)


def _figures(side: Side) -> str:
    times = quantiles(side.calls_ms)
    return "-" if times is None else f"{times.p50_ms:.1f} / {times.p99_ms:.1f}"


def _recovery(restart: Restart) -> str:
    return "not answered" if restart.recovery_ms is None else f"answered after {restart.recovery_ms:.0f}"


def _attempts(axes: Axes, middle: float, *, restart: Restart) -> None:
    axes.plot([0, restart.back_ms], [middle + 6.5] * 2, color=SOFT, linewidth=1.5)
    axes.plot([restart.back_ms] * 2, [middle - 8, middle + 8], color=INK, linewidth=1.5)
    heights = [middle + 10 * ((number * GOLDEN) % 1 - 0.6) for number in range(len(restart.attempts_ms))]
    axes.scatter(restart.attempts_ms, heights, s=9, marker="o", color=FIRSTWORD, linewidths=0)
    if restart.first_ms is not None:
        axes.plot([restart.first_ms] * 2, [middle - 6, middle + 4], color=FLOOR, linewidth=1.5)
