"""The report on a terminal, wide and narrow."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from bench.first_word.markdown import as_markdown
from bench.first_word.tables import rows_grid, steps_grid
from bench.first_word.terminal import print_first_word
from bench.grid import NONE
from bench.target import targets_grid
from tests.bench.first_word.example import example_report

if TYPE_CHECKING:
    from bench.first_word.results import FirstWordReport

REPORT = example_report()


def printed(report: FirstWordReport, *, width: int = 140, markdown: bool = False) -> str:
    out = io.StringIO()
    print_first_word(report, markdown=markdown, console=Console(file=out, width=width, highlight=False))
    return out.getvalue()


def test_a_wide_terminal_has_a_line_a_situation() -> None:
    """Every cell of the rows stands on the line of its title."""
    lines = printed(REPORT).splitlines()
    for row in rows_grid(REPORT).lines:
        line = next(line for line in lines if line.startswith(f"{row[0]} "))
        for cell in row[1:]:
            assert cell.replace(" / ", "/") in line


@pytest.mark.parametrize("width", [80, 110, 140])
def test_no_figure_is_cut(width: int) -> None:
    """Names wrap where the terminal is narrow; every figure is whole, and no line is longer than the terminal."""
    shown = printed(REPORT, width=width)
    assert "…" not in shown
    assert max(len(line) for line in shown.splitlines()) <= width
    words = set(shown.replace("/", " ").split())
    for row in rows_grid(REPORT).lines:
        for cell in row[1:4]:
            assert cell == NONE or words.issuperset(cell.split(" / "))
    for step in steps_grid(REPORT).lines:
        assert words.issuperset(step[3:6])


def test_each_target_has_its_verdict() -> None:
    """In words, so that it does not hang on a colour."""
    lines = printed(REPORT).splitlines()
    for target in targets_grid(REPORT.targets).lines:
        assert next(line for line in lines if line.startswith(target[0])).rstrip().endswith(target[-1])


def test_a_failed_call_is_shown_as_it_spoke() -> None:
    """Brackets in it, or in a title, are no markup."""
    row = replace(REPORT.rows[0], title="on [bold]join[/]", failed={"firstword": ["no [red]audio[/] came"]})
    shown = printed(replace(REPORT, rows=(row,)))
    assert "failed  firstword, on [bold]join[/]: no [red]audio[/] came" in shown
    assert any(line.startswith("on [bold]join[/] ") for line in shown.splitlines())


def test_what_failed_as_a_whole_is_shown() -> None:
    """Not only calls of the rows: a part of the run that is missing says why."""
    why = "dev: [no] address within 60 s"
    assert f"failed  {why}" in printed(replace(REPORT, failed=(why,)))


def test_machine_command_and_caveat_stand_below() -> None:
    """A figure without its machine is worth little."""
    shown = printed(REPORT)
    for part in ("Test CPU", f"Command: {REPORT.command}", "Loopback network", "4.4 MB"):
        assert part in shown


def test_markdown_is_printed_as_it_is() -> None:
    """No line is wrapped and nothing is taken for markup."""
    assert printed(REPORT, width=40, markdown=True) == as_markdown(REPORT) + "\n"


def test_an_empty_report_is_printed() -> None:
    """Sentences stand where the tables would be."""
    shown = printed(replace(REPORT, rows=(), steps=(), targets=(), waterfalls=(), call_memory_mb=()))
    for part in ("No situation was measured.", "No target was set.", "No step was measured"):
        assert part in shown
