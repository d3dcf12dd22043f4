"""A turns report as one page that needs nothing else: figures, tables, and how it was measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.page import render
from bench.target import targets_grid, verdict
from bench.turns.sides import PROFILES
from bench.turns.tables import (
    costs_grid,
    curve_grid,
    gaps_grid,
    interruptions_grid,
    noises_grid,
    notes,
    pause_gaps_grid,
    summaries,
)
from bench.turns.targets import starter_gaps

if TYPE_CHECKING:
    from bench.turns.results import TurnsReport

TEMPLATE = Path(__file__).with_name("page.html.jinja")


@dataclass(frozen=True)
class Headline:
    """The response gap of one profile, p50, and what it costs."""

    title: str
    ms: str
    compared: tuple[str, ...]
    what: str


def write_html(report: TurnsReport, file: Path) -> None:
    """Write the page to `file`. Raises OSError when that is not possible."""
    file.write_text(as_html(report), encoding="utf-8")


def as_html(report: TurnsReport) -> str:
    """One document: nothing in it is fetched from anywhere."""
    # Importing this is cheap; what it draws with is imported when it draws.
    from bench.turns.figures import barge_in_drawings, curve_drawings, gap_drawings
    from bench.turns.trade import trade_drawings

    return render(
        TEMPLATE,
        report=report,
        headlines=headlines(report),
        reached=sum(target.reached is True for target in report.targets),
        verdicts=[verdict(target) for target in report.targets],
        targets=targets_grid(report.targets),
        gaps=gaps_grid(report),
        curve=curve_grid(report),
        pause_gaps=pause_gaps_grid(report),
        interruptions=interruptions_grid(report),
        noises=noises_grid(report),
        costs=costs_grid(report),
        gap_drawings=gap_drawings(report),
        trade_drawings=trade_drawings(report),
        curve_drawings=curve_drawings(report),
        barge_in_drawings=barge_in_drawings(report),
        notes=notes(report),
        failures=report.failures,
    )


def headlines(report: TurnsReport) -> list[Headline]:
    """One a profile whose gap was measured."""
    found = summaries(report)
    default, best = starter_gaps(found)
    told: list[Headline] = []
    for name in PROFILES:
        if name not in found or (gap := found[name].gap) is None:
            continue
        beside = (("the starter's", default), ("its best mode's", best))
        compared = [
            f"{gap.p50_ms / theirs.p50_ms:.2f} times {whose} {theirs.p50_ms:.0f} ms"
            for whose, theirs in beside
            if theirs is not None
        ]
        cut_off = found[name].cut_off
        what = "" if cut_off.rate is None else f"{cut_off.count} of {cut_off.n} callers with a pause were cut off."
        told.append(Headline(name, f"{gap.p50_ms:.0f}", tuple(compared), what))
    return told
