"""The page: one file, whole, safe, and honest about what is missing."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest

from bench.first_word.html import as_html, headlines, write_html
from bench.first_word.tables import notes, rows_grid, steps_grid
from bench.target import targets_grid
from tests.bench.first_word.example import example_report
from tests.bench.page import Page

REPORT = example_report()
EMPTY = replace(REPORT, rows=(), steps=(), targets=(), waterfalls=(), call_memory_mb=())


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("page") / "report.html"
    write_html(REPORT, file)
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(written: str) -> Page:
    return Page(written)


def test_the_page_is_whole(page: Page) -> None:
    """Every element is closed in its order, and no id occurs twice."""
    assert page.misplaced == page.open == []
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert [name for name, count in ids.items() if count > 1] == []


def test_nothing_is_fetched(page: Page, written: str) -> None:
    """No script, no sheet, no picture from elsewhere: references stay within the page."""
    assert {"script", "link", "img", "iframe"}.isdisjoint(tag for tag, _ in page.elements)
    for _, attributes in page.elements:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#")
    assert set(re.findall(r"url\((.)", written)) <= {"#"}
    assert "@import" not in written


def test_every_figure_of_the_tables_is_there(page: Page) -> None:
    """Rows, steps and targets; a dash is longer on a page."""
    cells = Counter(cell.strip() for cell in page.cells)
    for grid in (rows_grid(REPORT), steps_grid(REPORT), targets_grid(REPORT.targets)):
        for line in grid.lines:
            for heading, cell in zip(grid.headings, line, strict=True):
                if heading == "switched off by":
                    assert cell in page.text
                elif heading == "step, ms":
                    assert any(shown.startswith(cell) for shown in cells)
                elif heading == "reached":
                    assert any(shown.endswith(f" {cell}") for shown in cells)
                else:
                    assert cells["\N{EN DASH}" if cell == "-" else cell]


def test_each_figure_is_told_in_words(page: Page) -> None:
    """A picture with a label a situation, a group of steps and a call; both drawings of it are hidden from readers."""
    labels = [attributes.get("aria-label") or "" for _, attributes in page.elements if attributes.get("role") == "img"]
    assert len(labels) == len(REPORT.rows) + 3 + len(REPORT.waterfalls)
    assert all(re.search(r"\d", label) for label in labels)
    drawings = [attributes for tag, attributes in page.elements if tag == "svg" and "viewbox" in attributes]
    assert all(attributes.get("aria-hidden") == "true" for attributes in drawings)


def test_how_it_was_measured_stands_on_the_page(page: Page) -> None:
    """Command, machine, caveats and what a failed call said."""
    shown = " ".join(page.text.split())
    for part in (REPORT.command, *notes(REPORT), *REPORT.failures):
        assert part in shown


def test_headlines_are_the_rows_of_a_caller_alone(page: Page) -> None:
    """The median of each moment, beside starter and floor as far as they were called."""
    found = headlines(REPORT)
    assert [each.title for each in found] == ["Agent waiting", "Sent for with the token", "Sent for on join"]
    assert [len(each.compared) for each in found] == [1, 2, 2]
    grid = {line[0]: line[2].split(" / ")[0] for line in rows_grid(REPORT).lines}
    assert [each.ms for each in found] == [
        grid["agent waiting in the room"],
        grid["dispatch with the token, 0.5 s before"],
        grid["dispatch on join"],
    ]


def test_random_arrivals_are_no_caller_alone() -> None:
    """Without the row of a moment there is no headline for it."""
    crowds = tuple(row for row in REPORT.rows if row.id not in ("join", "token", "standby"))
    assert headlines(replace(REPORT, rows=crowds)) == []


def test_what_a_call_said_is_never_markup() -> None:
    """Tags in a title, a setting or an error are text, in the figures too."""
    attack = '<script>alert("x")</script>'
    report = replace(
        REPORT,
        command=attack,
        rows=(replace(REPORT.rows[0], title=attack, failed={"firstword": [attack]}),),
        steps=(replace(REPORT.steps[0], title=attack, setting=attack),),
        waterfalls=(replace(REPORT.waterfalls[0], title=attack, marks={attack: 1.0}),),
        targets=(replace(REPORT.targets[0], what=attack),),
    )
    shown = Page(as_html(report))
    assert "script" not in {tag for tag, _ in shown.elements}
    assert shown.misplaced == []
    assert shown.text.count(attack) >= 8


def test_a_report_of_nothing_says_so() -> None:
    """Each part that is missing has a sentence, why it is missing too, and there is no figure without data."""
    shown = Page(as_html(replace(EMPTY, failed=("rows: the worker ended with exit code 1",))))
    for part in (
        "No call of a caller alone was completed.",
        "No target was set.",
        "No call was completed.",
        "No step was measured",
        "No call was taken apart.",
        "starter not called",
        "rows: the worker ended with exit code 1",
    ):
        assert part in shown.text
    assert {"figure", "table"}.isdisjoint(tag for tag, _ in shown.elements)


def test_the_tools_are_imported_when_a_page_is_made() -> None:
    """The command line does not wait for matplotlib or jinja2."""
    code = (
        "import sys, bench.first_word.html, bench.first_word.terminal; print({'matplotlib', 'jinja2'} & {*sys.modules})"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert told.stdout.strip() == "set()"
