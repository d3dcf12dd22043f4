"""What `bench clients` says of a run: verdicts, tables, the file and the page."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from bench.clients.html import as_html
from bench.clients.report import as_markdown, print_clients, read_clients, write_clients
from bench.clients.results import Asked, Restart
from bench.clients.targets import targets
from tests.bench.clients.example import AGAIN, GOOD, LOST, NEVER_SENT, TWICE, UNKNOWN, example_report

if TYPE_CHECKING:
    from pathlib import Path

    from bench.clients.results import ClientsReport


@pytest.mark.parametrize(
    ("asked", "verdict"),
    [
        (GOOD, (False, False, False)),
        (AGAIN, (False, False, False)),
        (UNKNOWN, (False, True, False)),
        (LOST, (True, False, False)),
        (NEVER_SENT, (True, False, False)),
        (TWICE, (False, False, True)),
    ],
)
def test_what_became_of_a_request(asked: Asked, verdict: tuple[bool, bool, bool]) -> None:
    """Lost, unknown, repeated: a dispatch that may have arrived is no loss, one that surely has not is."""
    assert (asked.lost, asked.unknown, asked.repeated) == verdict


def test_a_good_run_reaches_everything() -> None:
    """Each target has its figure."""
    report = example_report()
    assert [target.what for target in report.targets if not target.reached] == []
    assert len(report.targets) == 12
    assert not report.failed


@pytest.mark.parametrize(
    ("changed", "missed"),
    [
        ({"asked": (GOOD, LOST)}, "requests lost"),
        ({"asked": (GOOD, TWICE)}, "sent twice"),
        ({"restarts": (Restart(0, 500, 3000, 3000, ()),)}, "first answer"),
        ({"restarts": (Restart(0, 500, None, None, ()),)}, "nothing was answered"),
        ({"restarts": (Restart(0, 500, 600, 600, tuple(float(ms) for ms in range(100))),)}, "sockets a second"),
    ],
)
def test_a_bad_run_misses_its_target(changed: dict[str, object], missed: str) -> None:
    """By name; a lost request and a repeated one are failures of the command as well."""
    report: ClientsReport = replace(example_report(), **changed)  # pyright: ignore[reportArgumentType]  # by name
    wrong = [target.what for target in targets(report) if not target.reached]
    assert any(missed in what for what in wrong)
    assert report.failed == ("asked" in changed)


def test_a_slower_pool_misses_its_targets() -> None:
    """By throughput, by p50 and by p99."""
    report = example_report()
    pool, shared, new = report.sides
    report = replace(report, sides=(replace(pool, seconds=0.03, calls_ms=(12.0, 22.0, 41.0)), shared, new))
    assert [target.reached for target in targets(report)][:3] == [False] * 3


def test_the_tables_have_the_figures() -> None:
    """On a terminal and as Markdown."""
    report = replace(example_report(), asked=(GOOD, LOST, TWICE, UNKNOWN))
    console = Console(width=160, record=True, highlight=False)
    print_clients(report, markdown=False, console=console)
    shown = console.export_text()
    told = as_markdown(report)
    for text in (shown, told):
        assert "the pool" in text
        assert "CreateDispatch" in text
        assert "no client was free within 5 s" in text
        assert "5 again 1.2 s after it" in text
    assert "| one shared client | 120 | 21.0 |" in told


def test_the_file_comes_back_as_it_was(tmp_path: Path) -> None:
    """Every sample."""
    write_clients(example_report(), tmp_path / "run.json")
    assert read_clients(tmp_path / "run.json") == example_report()


def test_the_page_shows_each_attempt() -> None:
    """Each socket is drawn, and told in words; nothing is fetched."""
    page = as_html(example_report())
    assert "Restart 1: away for 1000 ms, 4 sockets opened" in page
    assert 'id="attempts-wide-' in page
    assert 'id="calls-narrow-' in page
    assert "http://" not in page.replace("http://www.w3.org/", "")


def test_the_page_of_a_part() -> None:
    """What was not measured has no figure."""
    page = as_html(replace(example_report(), sides=(), bounds=None))
    assert "The same calls three ways" not in page
    assert "Through restarts" in page
