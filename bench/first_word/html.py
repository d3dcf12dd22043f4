"""A first-word report as one page that needs nothing else: figures, tables, and how it was measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.first_word.tables import completed, notes, over, rows_grid, steps_grid
from bench.page import render
from bench.stats import quantiles
from bench.target import targets_grid, verdict

if TYPE_CHECKING:
    from bench.first_word.results import Arrival, FirstWordReport, Row

TEMPLATE = Path(__file__).with_name("page.html.jinja")
ARRIVALS: tuple[tuple[Arrival, str, str], ...] = (
    ("standby", "Agent waiting", "It has been in the room since before the token was asked for."),
    ("token", "Sent for with the token", "The agent is on its way while the caller gets ready."),
    ("join", "Sent for on join", "Nothing is known of the caller before the connect call."),
)


@dataclass(frozen=True)
class Headline:
    """The first word of one caller, p50, for one moment at which the agent is sent for."""

    title: str
    what: str
    ms: str
    compared: tuple[str, ...]


def write_html(report: FirstWordReport, file: Path) -> None:
    """Write the page to `file`. Raises OSError when that is not possible."""
    file.write_text(as_html(report), encoding="utf-8")


def as_html(report: FirstWordReport) -> str:
    """One document: nothing in it is fetched from anywhere."""
    # Importing these is cheap; what they draw with is imported when they draw.
    from bench.first_word.figures import row_drawings, step_drawings, waterfall_drawings

    return render(
        TEMPLATE,
        report=report,
        headlines=headlines(report),
        calls=completed(report, "firstword"),
        reached=sum(target.reached is True for target in report.targets),
        verdicts=[verdict(target) for target in report.targets],
        targets=targets_grid(report.targets),
        rows=rows_grid(report),
        steps=steps_grid(report),
        row_drawings=row_drawings(report),
        step_drawings=step_drawings(report),
        waterfall_drawings=waterfall_drawings(report),
        notes=notes(report),
        failures=report.failures,
    )


def headlines(report: FirstWordReport) -> list[Headline]:
    """A headline for each moment: the row of its name, a caller alone. A moment that was not measured has none."""
    rows = {row.id: row for row in report.rows if row.ttfw_ms.get("firstword")}
    return [_headline(rows[arrival], title, what) for arrival, title, what in ARRIVALS if arrival in rows]


def _headline(row: Row, title: str, what: str) -> Headline:
    starter, ours, floor = (quantiles(row.ttfw_ms.get(side, [])) for side in ("starter", "firstword", "floor"))
    compared: list[str] = []
    if starter and (ratios := over(ours, starter)):
        compared.append(f"{ratios[0]:.2f} times the starter's {starter.p50_ms:.0f} ms")
    if floor and (ratios := over(ours, floor)):
        compared.append(f"{ratios[0]:.2f} times the floor's {floor.p50_ms:.0f} ms")
    return Headline(title, what, f"{ours.p50_ms:.0f}" if ours else "-", tuple(compared))
