"""Tables, terminal, Markdown and JSON show what was measured, and say what was not."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from bench.grid import NONE
from bench.report_file import NotAReport
from bench.target import targets_grid
from bench.turns.json_file import read_turns, write_turns
from bench.turns.markdown import as_markdown
from bench.turns.results import SideResult
from bench.turns.tables import (
    costs_grid,
    curve_grid,
    gaps_grid,
    grids,
    interruptions_grid,
    noises_grid,
    notes,
    pause_gaps_grid,
)
from bench.turns.terminal import print_turns
from tests.bench.turns.example import example_report

if TYPE_CHECKING:
    from pathlib import Path

    from bench.turns.results import TurnsReport

REPORT = example_report()
MANY = replace(REPORT, pauses_ms=(300, 500, 700, 900, 1200, 1800, 2200, 5000))
EMPTY = replace(REPORT, sides=(SideResult("fast", "fast", "firstword"),), targets=())


def printed(report: TurnsReport, *, width: int = 150, markdown: bool = False) -> str:
    out = io.StringIO()
    print_turns(report, markdown=markdown, console=Console(file=out, width=width, highlight=False))
    return out.getvalue()


def line(report: TurnsReport, title: str, grid: str) -> dict[str, str]:
    makers = {
        "gaps": gaps_grid,
        "curve": curve_grid,
        "pause gaps": pause_gaps_grid,
        "interruptions": interruptions_grid,
        "costs": costs_grid,
    }
    chosen = makers[grid](report)
    found = next(cells for cells in chosen.lines if cells[0] == title)
    return dict(zip(chosen.headings, found, strict=True))


def test_a_gap_stands_beside_the_starters() -> None:
    """Over its default and over its fastest mode, which may be another."""
    fast, best = line(REPORT, "fast", "gaps"), line(REPORT, "starter, stt", "gaps")
    assert float(fast["over starter default"]) < float(fast["over its best"]) < 1
    assert best["over its best"] in ("1.00", "1.01")
    assert fast["hits"] == "20 of 60"
    assert best["hits"] == NONE


def test_the_curve_has_gap_and_cut_offs_of_each_pause() -> None:
    """In percent of the sentences with that pause."""
    fast = line(REPORT, "fast", "curve")
    assert (fast["all pauses"], fast["300 ms"], fast["900 ms"], fast["n"]) == ("10", "0", "40", "60")
    assert fast["gap p50"] == line(REPORT, "fast", "gaps")["p50"]


def test_each_pause_of_the_run_has_a_column() -> None:
    """Of cut-offs and of gaps: those that were asked for, and no other."""
    other = replace(REPORT, pauses_ms=(900, 5000))
    for grid in ("curve", "pause gaps"):
        columns = [heading for heading in line(other, "fast", grid) if heading.endswith("00 ms")]
        assert columns == ["900 ms", "5000 ms"]
    assert line(other, "fast", "curve")["900 ms"] == "40"
    gaps = line(other, "fast", "pause gaps")
    assert (gaps["900 ms"], gaps["5000 ms"], gaps["all"], gaps["n"]) == ("1000", NONE, "1000", "54")


def test_what_the_targets_do_not_judge_is_told() -> None:
    """Which pauses there were, and for which the targets are set where these are others."""
    assert "Pauses in a sentence: 300, 500, 700, 900 ms." in notes(REPORT)
    (told,) = (note for note in notes(replace(REPORT, pauses_ms=(1200,))) if note.startswith("Pauses"))
    assert told.startswith("Pauses in a sentence: 1200 ms. The targets of such sentences are set for 300, 500, 700,")


def test_interruptions_are_told_with_their_minutes() -> None:
    """A figure without its exposure is worth little; a starter's other modes have none."""
    starter = line(REPORT, "starter, v1-mini", "interruptions")
    assert (starter["false a minute"], starter["by noises"], starter["minutes"]) == ("4.62", "1 of 2", "0.22")
    assert line(REPORT, "starter, stt", "interruptions")["false a minute"] == NONE
    assert [cells[0] for cells in noises_grid(REPORT).lines] == ["mm hm", "cough"]


def test_what_went_wrong_is_counted() -> None:
    """Turns without an answer, sentences that were said again, calls that failed."""
    assert line(REPORT, "starter, stt", "costs")["not answered"] == "1 of 132"
    assert line(REPORT, "starter, v1-mini", "costs")["calls failed"] == "1"


def test_every_line_has_a_cell_for_each_heading() -> None:
    """Also where a part is missing."""
    for report in (REPORT, MANY, EMPTY):
        for grid in (*grids(report), targets_grid(report.targets)):
            assert {len(cells) for cells in grid.lines} <= {len(grid.headings)}
            assert grid.words <= set(grid.headings)


def test_what_was_not_measured_is_a_dash() -> None:
    """A side without a sample has no zero."""
    assert set(line(EMPTY, "fast", "gaps").values()) == {"fast", NONE, "0"}
    assert printed(EMPTY).count("No noise was made.") == 1


@pytest.mark.parametrize("width", [80, 110, 150])
@pytest.mark.parametrize("report", [REPORT, MANY], ids=["usual pauses", "most pauses"])
def test_no_figure_is_cut_on_a_terminal(report: TurnsReport, width: int) -> None:
    """Names wrap where it is narrow."""
    shown = printed(report, width=width)
    assert "…" not in shown
    assert max(len(row) for row in shown.splitlines()) <= width
    words = set(shown.replace("/", " ").split())
    for cells in gaps_grid(REPORT).lines:
        assert words.issuperset(cells[1:4])


def test_the_page_of_a_readme_has_every_table() -> None:
    """Command first, then blocks of equal lines, notes, and what failed."""
    text = as_markdown(REPORT)
    assert text.startswith(f"`{REPORT.command}`")
    blocks = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert len(blocks) == len(grids(REPORT)) + 1
    assert all({row.count("|") for row in block} == {block[0].count("|")} for block in blocks)
    assert r"no audio within 15 s \<after> the connect call" in text.splitlines()[-1]
    assert printed(REPORT, width=40, markdown=True) == text + "\n"


def test_machine_latencies_and_caveat_are_told() -> None:
    """A figure without its machine is worth little."""
    shown = " ".join(printed(REPORT).split())
    for note in notes(REPORT):
        assert " ".join(note.split()) in shown
    assert "fixed delays, LLM + TTS 700 ms (p50); seed 1" in shown


def test_a_report_comes_back_as_it_was(tmp_path: Path) -> None:
    """Every sample of every side; another file is refused."""
    write_turns(REPORT, tmp_path / "run.json")
    assert read_turns(tmp_path / "run.json") == REPORT
    (tmp_path / "other.json").write_text("[]", encoding="utf-8")
    with pytest.raises(NotAReport, match=r"other\.json: version: got None, allowed: 4"):
        read_turns(tmp_path / "other.json")
