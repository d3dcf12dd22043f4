"""What a run tells: on a terminal, in a README and in a file."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.console import Console

from bench.accounts.report import VERSION, as_markdown, print_accounts, write_accounts
from bench.accounts.results import AccountsReport
from bench.report_file import read_report
from tests.bench.accounts.example import example_report

if TYPE_CHECKING:
    from pathlib import Path


def printed(report: AccountsReport, width: int = 200, *, markdown: bool = False) -> str:
    out = io.StringIO()
    print_accounts(report, markdown=markdown, console=Console(file=out, width=width))
    return out.getvalue()


def test_the_terminal_has_every_part() -> None:
    """Figures, what happened when, who heard what, verdicts, limits, and how to do it again."""
    shown = printed(example_report())
    for words in (
        "any of the known accounts",
        "an account that nobody has called",
        "1.02, 1.01",
        "account",
        "the store is slow",
        "store_slow 4, found 4",
        "first word: b is worse by 198 ms",
        "not reached",
        "first byte after 204 ms, last byte after 550 ms",
        "4.0 KB of Python's",
        "64 of 64 at most",
        "Command: agent.py bench accounts --calls 3",
    ):
        assert words in shown, words


def test_eighty_columns_are_enough() -> None:
    """No line is wider, and no figure is cut."""
    shown = printed(example_report(), width=80)
    assert max(map(len, shown.splitlines())) <= 80
    assert "…" not in shown


def test_what_went_wrong_is_told_line_by_line() -> None:
    """A caller who heard something else, and a call that was not completed."""
    report = example_report()
    (fault,) = report.faults
    bad = replace(report, faults=(replace(fault, wrong=("shop-0001: silence",)),), failed=("new call: gone",))
    for shown in (printed(bad), as_markdown(bad)):
        assert "slow: shop-0001: silence" in shown
        assert "new call: gone" in shown


def test_markdown_is_tables_and_lists() -> None:
    """As a README has it."""
    shown = printed(example_report(), markdown=True)
    assert shown.count("| --- |") >= 4
    assert "- Accounts: 1000, known: 200, seed 1." in shown


def test_nothing_is_lost_in_the_file(tmp_path: Path) -> None:
    """It is read back as it was."""
    file = tmp_path / "report.json"
    write_accounts(example_report(), file)
    assert read_report(AccountsReport, file, version=VERSION, command="bench accounts") == example_report()
