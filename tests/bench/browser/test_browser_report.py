"""What `bench browser` says of a run: verdicts, tables, the file and the page."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from bench.browser.html import as_html
from bench.browser.report import as_markdown, print_browser, read_browser, write_browser
from bench.browser.results import Click, Cut, Leaks, Load, Round, Talk
from bench.browser.targets import targets
from tests.bench.browser.example import CLEAN, MACHINE, SAID, example_report
from tests.bench.page import Page

if TYPE_CHECKING:
    from pathlib import Path


def test_a_good_run_reaches_everything() -> None:
    """Each target has its figure, and nothing failed."""
    report = example_report()
    assert [target.what for target in report.targets if not target.reached] == []
    assert len(report.targets) == 2 + 1 + 2 + 7 + 1
    assert report.failures == []


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({"clicks": (Click("whip", 140.0, 3.0, 50.0),)}, "click to first sound, WHIP"),
        ({"clicks": (Click("whip", 90.0), Click("whip", 90.0), Click("whip", 400.0))}, "click to first sound, WHIP"),
        ({"clicks": (Click("livekit", 210.0),)}, "click to first sound, livekit-client"),
        ({"rounds": (Round("whip, as it comes", (101.0,)),)}, "microphone to agent and back, WHIP"),
        ({"leaks": (Leaks("whip", 9, 9, CLEAN, replace(CLEAN, heap_kb=4000.0), 0),)}, "heap after all calls"),
        ({"leaks": (Leaks("whip", 9, 9, CLEAN, replace(CLEAN, tracks=9), 0),)}, "tracks after all calls"),
        ({"leaks": (Leaks("whip", 9, 9, CLEAN, CLEAN, 1),)}, "callers left in the server"),
        ({"loads": (Load("whip", 20, 19, (90.0,), 0.5),)}, "calls of the load page without sound"),
        ({"talks": (Talk("whip", SAID, SAID[:1]),)}, "transcripts other than what was heard"),
    ],
)
def test_a_bad_run_misses_its_target(changed: dict[str, Any], missed: str) -> None:
    """By name; what was not measured again is still reached."""
    wrong = [target.what for target in targets(replace(example_report(), **changed)) if not target.reached]
    assert len(wrong) == 1
    assert wrong[0].startswith(missed)


def test_a_failed_call_counts_in_no_time() -> None:
    """It is told instead."""
    report = replace(example_report(), clicks=(Click("whip", 90.0), Click("whip", failed="nothing was heard")))
    (click,) = [target for target in targets(report) if "click" in target.what]
    assert (click.n, click.got_p50) == (1, 90.0)
    assert report.failures == ["whip: nothing was heard"]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"talks": (Talk("whip", SAID, ("When are you?",)),)}, "the page shows ['When are you?'], the simulator heard"),
        ({"talks": (Talk("whip", SAID, failed="no reply was heard"),)}, "whip, turns: no reply was heard"),
        ({"rounds": (Round("whip, both", failed="none came back"),)}, "echo, whip, both: none came back"),
        ({"leaks": (Leaks("whip", 3, 3, CLEAN, CLEAN, 0, "call 4: gone"),)}, "whip, leaks: call 4: gone"),
        ({"loads": (Load("whip", 2, 1, (), 0.1, ("no agent",)),)}, "whip, load: no agent"),
        ({"cuts": (Cut("whip", 8.0, None, "failed"),)}, "cut of 8 s: the call is failed, without a word"),
        ({"cuts": (Cut("whip", 8.0, 1.0, "live", left=1),)}, "cut of 8 s: 1 callers left in the server"),
        ({"lost": ("echo: Chromium did not start",)}, "echo: Chromium did not start"),
    ],
)
def test_what_failed_is_told(changed: dict[str, Any], told: str) -> None:
    """In one line, on the terminal, in Markdown and on the page."""
    report = replace(example_report(), **changed)
    (line,) = report.failures
    assert told in line
    text = StringIO()
    print_browser(report, markdown=False, console=Console(file=text, width=300))
    assert line in text.getvalue()
    assert "What failed:" in as_markdown(report)
    assert line in Page(as_html(report)).text


def test_every_part_has_its_table() -> None:
    """With the ratio to the floor of the same run."""
    text = as_markdown(example_report())
    for heading in (
        "click to sound",
        "three turns",
        "there and back",
        "held by one page",
        "calls of one",
        "network gone",
    ):
        assert f"| {heading}" in text
    assert "| WHIP | 100 | 108 | 110 | 2 | 1.33x | 4.0 | 55 | 59 |" in text
    assert "| WHIP, fresh browser | 95 |" in text
    assert "| floor | 75 |" in text
    assert MACHINE.one_line() in text


def test_the_page_needs_nothing_else() -> None:
    """Whole elements, a drawing for calls and one for chirps, nothing fetched."""
    page = Page(as_html(example_report()))
    assert page.misplaced == []
    assert page.open == []
    assert sum(name == "svg" for name, _ in page.elements) == 4
    assert not [attributes for name, attributes in page.elements if name in ("script", "link", "img")]


def test_an_empty_run_is_told() -> None:
    """Without a part there is no table and no drawing."""
    report = replace(example_report(), clicks=(), talks=(), rounds=(), leaks=(), loads=(), cuts=(), targets=())
    assert "No target was set." in as_markdown(report)
    assert "svg" not in [name for name, _ in Page(as_html(report)).elements]


def test_a_report_is_read_back_as_it_was(tmp_path: Path) -> None:
    """All of it."""
    file = tmp_path / "report.json"
    write_browser(example_report(), file)
    assert read_browser(file) == example_report()
