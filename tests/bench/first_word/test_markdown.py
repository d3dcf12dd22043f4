"""The tables of a README."""

from __future__ import annotations

from dataclasses import replace

from bench.first_word.markdown import as_markdown
from tests.bench.first_word.example import example_report

REPORT = example_report()


def test_each_table_is_one_block_of_equal_lines() -> None:
    """Rows, targets and steps; every line of a table has the same number of cells."""
    blocks = [block.splitlines() for block in as_markdown(REPORT).split("\n\n") if block.startswith("|")]
    assert [block[0].split(" | ")[0] for block in blocks] == ["| first word, ms", "| target", "| step, ms"]
    for block in blocks:
        assert {line.count("|") for line in block} == {block[0].count("|")}
    assert [len(block) - 2 for block in blocks[1:]] == [len(REPORT.targets), len(REPORT.steps)]


def test_figures_stand_at_the_right() -> None:
    """Names at the left, what is counted at the right."""
    rule = as_markdown(REPORT).split("\n\n")[1].splitlines()[1]
    assert rule == "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"


def test_settings_stay_readable() -> None:
    """An underscore within a name is not escaped."""
    assert "| PARALLEL_STAGES=false |" in as_markdown(REPORT)


def test_the_command_comes_first_and_the_caveat_last() -> None:
    """Who reads a figure finds how to get it, and what it does not say."""
    text = as_markdown(replace(REPORT, rows=REPORT.rows[:3]))
    assert text.startswith(f"`{REPORT.command}`")
    assert text.splitlines()[-1].startswith("- Loopback network")


def test_what_a_failed_call_said_is_no_markup() -> None:
    """It is one line, in which brackets, stars and tags are themselves."""
    row = replace(REPORT.rows[0], failed={"firstword": ["<b>a|b</b>\n*c* [d](e) _f_ g_h"]})
    text = as_markdown(replace(REPORT, rows=(row,)))
    assert text.splitlines()[-1] == (r"- firstword, dispatch on join: \<b>a\|b\</b> \*c\* \[d\](e) \_f\_ g_h")


def test_what_failed_as_a_whole_stands_in_the_same_list() -> None:
    """A step or a part of the run too, not only calls of the rows."""
    row = replace(REPORT.rows[0], failed={"firstword": ["late"]})
    text = as_markdown(replace(REPORT, rows=(row,), failed=("dev: no *address*",)))
    assert text.endswith("What failed:\n\n- firstword, dispatch on join: late\n- dev: no \\*address\\*")


def test_what_was_not_measured_is_said() -> None:
    """A sentence stands where a table would be empty."""
    text = as_markdown(replace(REPORT, steps=()))
    assert "No step was measured" in text
    assert "All on, without" not in text
