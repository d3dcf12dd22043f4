"""The tables show what was measured, and say what was not."""

from __future__ import annotations

from dataclasses import replace

from bench.first_word.results import Row
from bench.first_word.tables import completed, notes, over, rows_grid, steps_grid, tall_rows_grid
from bench.grid import NONE
from bench.stats import quantiles
from bench.target import targets_grid
from tests.bench.first_word.example import example_report

REPORT = example_report()
ROW = Row(
    "join",
    "dispatch on join",
    "standby",
    1,
    {"starter": [1000.0, 1000.0], "firstword": [300.0, 300.0], "floor": [60.0, 60.0]},
    [90.0, 90.0],
)


def test_a_row_has_all_subjects_and_firstword_over_the_others() -> None:
    """0.30: firstword takes three tenths of the starter's time."""
    (line, _) = rows_grid(replace(REPORT, rows=(ROW,))).lines
    assert line == (
        "dispatch on join",
        "1000 / 1000 / 1000",
        "300 / 300 / 300",
        "60 / 60 / 60",
        "0.30, 0.30",
        "5.00, 5.00",
        "2",
    )


def test_the_click_has_a_line_of_its_own() -> None:
    """Over the floor where the caller connects at once; else the half second before would be compared."""
    (_, waiting) = rows_grid(replace(REPORT, rows=(ROW,))).lines
    assert waiting == ("dispatch on join, from the click", NONE, "90 / 90 / 90", NONE, NONE, "1.50, 1.50", "2")
    (_, sent_for) = rows_grid(replace(REPORT, rows=(replace(ROW, arrival="token"),))).lines
    assert sent_for[5] == NONE


def test_a_subject_that_was_not_called_is_a_dash() -> None:
    """Its ratio too, and the count is that of the others; a subject that was called in vain counts 0."""
    row = replace(ROW, ttfw_ms={"firstword": [300.0], "floor": [60.0]}, click_ms=[])
    (line,) = rows_grid(replace(REPORT, rows=(row,))).lines
    assert (line[1], line[4], line[6]) == (NONE, NONE, "1")
    (line,) = rows_grid(replace(REPORT, rows=(replace(row, failed={"starter": ["no audio"]}),))).lines
    assert (line[1], line[6]) == (NONE, "0 / 1 / 1")


def test_the_tall_table_has_the_same_figures() -> None:
    """Each p50 of the wide table stands on a line of its subject."""
    wide, tall = rows_grid(REPORT), tall_rows_grid(REPORT)
    medians = [cell.split(" / ")[0] for line in wide.lines for cell in line[1:4] if cell != NONE]
    assert medians == [line[1] for line in tall.lines if line[1] not in ("", NONE)]


def test_a_step_shows_the_medians_and_their_differences() -> None:
    """An unclear difference is in brackets, and what switches the step off is named."""
    step = replace(
        REPORT.steps[0], all_ms=[290.0] * 5, without_ms=[350.0] * 5, none_ms=[900.0, 1000.0], alone_ms=[910.0, 1010.0]
    )
    (line,) = steps_grid(replace(REPORT, steps=(step,))).lines
    assert line == (
        *("stages run at once", "PARALLEL_STAGES=false", "first word, join"),
        *("290", "350", "60", "60 to 60"),
        *("950", "960", "(\N{MINUS SIGN}10)", NONE, "5 / 5 / 2 / 2"),
    )


def test_targets_say_in_words_whether_they_were_reached() -> None:
    """Reached, not reached, not measured: three different things."""
    said = {line[0]: line[-1] for line in targets_grid(REPORT.targets).lines}
    assert said["standby: first word over the floor"] == "reached"
    assert said["six at once, join: first word over the starter's"] == "not reached"
    assert said["first call after `dev` prints its address: over the warm p50"] == "not measured"


def test_failed_calls_are_counted_and_told() -> None:
    """17 of 18: the one that failed is in the sum and in the list, and beside it what failed as a whole."""
    done, total = completed(REPORT, "starter")
    report = replace(REPORT, failed=("memory: a call does not stand",))
    assert total - done == len(report.failures) - 1 == 1
    assert report.failures[0].startswith("starter, dispatch on join, six at once: no audio")
    assert report.failures[1] == "memory: a call does not stand"
    assert f"starter {done} of {total}" in notes(report)[0]


def test_an_empty_report_says_what_is_missing() -> None:
    """No table without lines, and no memory of 0 MB."""
    empty = replace(REPORT, rows=(), steps=(), targets=(), waterfalls=(), call_memory_mb=())
    for grid in (rows_grid(empty), steps_grid(empty), targets_grid(empty.targets)):
        assert not grid.lines
        assert grid.missing
    assert "starter not called" in notes(empty)[0]
    assert notes(empty)[1] == "Memory of a further call: not measured."


def test_every_line_has_a_cell_for_each_heading() -> None:
    """Also where a part is missing."""
    for grid in (rows_grid(REPORT), tall_rows_grid(REPORT), steps_grid(REPORT), targets_grid(REPORT.targets)):
        assert {len(line) for line in grid.lines} == {len(grid.headings)}
        assert grid.words < set(grid.headings)


def test_nothing_is_divided_by_zero() -> None:
    """Without samples, or with times of zero, there is no ratio."""
    assert over(None, quantiles([1.0])) is None
    assert over(quantiles([1.0]), quantiles([0.0])) is None
