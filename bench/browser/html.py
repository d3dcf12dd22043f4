"""A report as one page that needs nothing else: every call and every chirp a dot, and the tables."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.browser.plan import TRANSPORTS, WAYS
from bench.browser.tables import clicks_grid, cuts_grid, leaks_grid, loads_grid, notes, rounds_grid, talks_grid
from bench.browser.targets import ECHO_MS, NAMES
from bench.drawing import Drawing, dots, drawing
from bench.lanes import FIRSTWORD, FLOOR, SOFT, STARTER, Axis, Lane, Line
from bench.page import render
from bench.stats import quantiles
from bench.target import targets_grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.browser.results import BrowserReport

TEMPLATE = Path(__file__).with_name("page.html.jinja")
COLORS = {"whip": FIRSTWORD, "livekit": STARTER, "floor": FLOOR}
SHAPES = {"whip": "o", "livekit": "s", "floor": "D"}


def write_html(report: BrowserReport, file: Path) -> None:
    """Write the page to `file`. Raises OSError when that is not possible."""
    file.write_text(as_html(report), encoding="utf-8")


def as_html(report: BrowserReport) -> str:
    """One document: nothing in it is fetched from anywhere."""
    return render(
        TEMPLATE,
        report=report,
        targets=targets_grid(report.targets),
        clicks=clicks_grid(report),
        talks=talks_grid(report.talks),
        rounds=rounds_grid(report.rounds),
        leaks=leaks_grid(report.leaks),
        loads=loads_grid(report.loads),
        cuts=cuts_grid(report.cuts),
        clicks_drawing=clicks_drawing(report),
        rounds_drawing=rounds_drawing(report),
        notes=notes(report),
    )


def clicks_drawing(report: BrowserReport) -> Drawing | None:
    """Each call a dot."""
    lanes: list[tuple[str, str, list[float]]] = []
    for fresh, ways in ((False, WAYS), (True, TRANSPORTS)):
        for way in ways:
            these = [each for each in report.clicks if (each.way, each.is_fresh, each.failed) == (way, fresh, None)]
            if these:
                name = f"{NAMES[way]}, fresh browser" if fresh else NAMES[way]
                lanes.append((way, name, [each.sound_ms for each in these]))
    return _drawn("clicks", "Click to first sound, every call, ms", lanes)


def rounds_drawing(report: BrowserReport) -> Drawing | None:
    """Each chirp a dot."""
    lanes = [(each.name.partition(",")[0], each.name, list(each.delays_ms)) for each in report.rounds if each.delays_ms]
    return _drawn("rounds", "Microphone to agent and back, every chirp, ms", lanes, Line(ECHO_MS, "100 ms", SOFT))


def _drawn(name: str, title: str, found: Sequence[tuple[str, str, list[float]]], *lines: Line) -> Drawing | None:
    if not found:
        return None
    latest = max(max(values) for _, _, values in found)
    lanes = [
        Lane(text, _figures(values), partial(dots, values_ms=values, color=_color(way), shape=SHAPES.get(way, "D")))
        for way, text, values in found
    ]
    words = "; ".join(f"{text} {_figures(values)}" for _, text, values in found)
    axis = Axis(0, max(latest, *(line.at_ms for line in lines), 1.0) * 1.05)
    return drawing(name, title, f"{title}, p50 / p90: {words}.", axis, lanes, lines)


def _color(way: str) -> str:
    return COLORS.get(way, FLOOR)


def _figures(values_ms: Sequence[float]) -> str:
    found = quantiles(values_ms)
    return "-" if found is None else f"{found.p50_ms:.0f} / {found.p90_ms:.0f}"
