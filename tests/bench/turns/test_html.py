"""The page: one file, whole, safe, and honest about what is missing."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace

import pytest

from bench.target import targets_grid
from bench.turns.html import as_html, headlines
from bench.turns.results import SideResult
from bench.turns.tables import grids, notes
from tests.bench.page import Page
from tests.bench.turns.example import example_report

REPORT = example_report()
EMPTY = replace(REPORT, sides=(SideResult("fast", "fast", "firstword", failed=["no call"]),), targets=())


@pytest.fixture(scope="module")
def written() -> str:
    return as_html(REPORT)


@pytest.fixture(scope="module")
def page(written: str) -> Page:
    return Page(written)


def test_the_page_is_whole_and_fetches_nothing(page: Page, written: str) -> None:
    """Every element is closed in its order, no id occurs twice, references stay within the page."""
    assert page.misplaced == page.open == []
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert [name for name, count in ids.items() if count > 1] == []
    assert {"script", "link", "img", "iframe"}.isdisjoint(tag for tag, _ in page.elements)
    assert set(re.findall(r"url\((.)", written)) <= {"#"}


def test_every_figure_of_the_tables_is_there(page: Page) -> None:
    """A dash is longer on a page."""
    cells = Counter(cell.strip() for cell in page.cells)
    for grid in (*grids(REPORT), targets_grid(REPORT.targets)):
        for line in grid.lines:
            for heading, cell in zip(grid.headings, line, strict=True):
                if heading == "reached":
                    assert any(shown.endswith(f" {cell}") for shown in cells)
                else:
                    assert cells["\N{EN DASH}" if cell == "-" else cell]


def test_each_figure_is_told_in_words(page: Page) -> None:
    """Gaps of three kinds of sentences, what is traded, the curve, and true interruptions."""
    labels = [attributes.get("aria-label") or "" for _, attributes in page.elements if attributes.get("role") == "img"]
    assert len(labels) == 6
    assert all(re.search(r"\d", label) for label in labels)
    assert "900 ms gap 1000 ms, 40 % cut off" in labels[3]
    assert "900 ms: 40 % (6 of 15)" in labels[4]


def test_headlines_are_the_profiles() -> None:
    """With the starter beside them, and what the gap costs."""
    found = headlines(REPORT)
    assert [each.title for each in found] == ["fast", "production", "steady"]
    assert all(len(each.compared) == 2 for each in found)
    assert found[0].what == "6 of 60 callers with a pause were cut off."


def test_how_it_was_measured_stands_on_the_page(page: Page) -> None:
    """Command, machine, caveats and what a failed call said."""
    shown = " ".join(page.text.split())
    for part in (REPORT.command, *notes(REPORT), *REPORT.failures):
        assert part in shown


def test_what_a_call_said_is_never_markup() -> None:
    """Tags in a title, a command or an error are text, in the figures too."""
    attack = '<script>alert("x")</script>'
    side = replace(REPORT.sides[0], title=attack, failed=[attack])
    shown = Page(as_html(replace(REPORT, command=attack, sides=(side,))))
    assert "script" not in {tag for tag, _ in shown.elements}
    assert shown.misplaced == []
    assert shown.text.count(attack) >= 6


def test_a_report_of_nothing_says_so() -> None:
    """Each part that is missing has a sentence, and there is no figure without data."""
    shown = Page(as_html(EMPTY))
    for part in (
        "No response gap of a profile was measured.",
        "No target was set.",
        "No turn was answered.",
        "No sentence with a pause was said.",
        "No caller interrupted the agent.",
        "fast: no call",
    ):
        assert part in shown.text
    assert "figure" not in {tag for tag, _ in shown.elements}
