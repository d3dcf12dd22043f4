"""What was measured is shown as it was measured, and what failed is shown as failed."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from bench.machine import Machine
from bench.measure import CallSample
from bench.report import HEADINGS, as_dict, as_markdown, print_report
from bench.run import BenchReport, Options, SideSample

MACHINE = Machine(2, "Test CPU", "Linux x86_64", "3.11.7", "1.8.9", "1.13.5", 0.5)
REPORT = BenchReport(
    Options(1, 3, "published", 7, ("join", "gap"), "vad"),
    MACHINE,
    (
        SideSample("starter", CallSample("join", 900.0, 50.0, None, (1800.0, 1900.0, 2000.0))),
        SideSample("firstword", CallSample("join", 300.0, 50.0, None, (950.0, 950.0, 950.0))),
    ),
    (80.0,),
    (700.0,),
)
FAILED = replace(
    REPORT, samples=(*REPORT.samples, SideSample("firstword", CallSample("join", failed="no [audio] came")))
)


def printed(report: BenchReport, *, markdown: bool = False) -> str:
    out = io.StringIO()
    print_report(report, markdown=markdown, console=Console(file=out, width=200))
    return out.getvalue()


def test_a_row_has_both_sides_ratios_n_and_floor() -> None:
    """Quantiles are rounded to the millisecond, ratios to two digits."""
    row = next(line for line in as_markdown(REPORT).splitlines() if line.startswith("| response gap"))
    assert row == ("| response gap | 1900 / 1980 / 1998 | 950 / 950 / 950 | 2.00x, 2.08x | 3 | 700 / 700 |")


def test_the_terminal_shows_the_same_as_the_readme() -> None:
    """The table for people has every heading, and below it the machine, the providers and the caveat."""
    shown = printed(REPORT)
    for part in (
        *(word for heading in HEADINGS for word in heading.split()),
        "3.00x, 3.00x",
        "Test CPU",
        "published delays (seed 7)",
        "Loopback",
    ):
        assert part in shown


def test_a_measure_without_samples_is_a_dash() -> None:
    """Nothing measured is never shown as zero."""
    empty = replace(REPORT, samples=())
    assert "| response gap | - | - | - | 0 | 700 / 700 |" in as_markdown(empty)


def test_a_failed_call_is_shown_and_gives_no_time() -> None:
    """Its words stand below the table as they are, and it is counted as not completed."""
    assert "firstword, join: no [audio] came" in printed(FAILED)
    assert "firstword 1 of 2" in printed(FAILED)
    assert FAILED.times_ms("firstword", "join") == [300.0]
    assert len(FAILED.failed) == 1


def test_the_data_holds_every_sample() -> None:
    """Also the failed ones, with what they said."""
    samples = as_dict(FAILED)["samples"]
    assert [sample["failed"] for sample in samples] == [None, None, "no [audio] came"]
    assert samples[0]["gaps_ms"] == (1800.0, 1900.0, 2000.0)


def test_the_figures_stay_whole_on_a_narrow_terminal() -> None:
    """At 80 columns names wrap, but no figure is cut."""
    out = io.StringIO()
    print_report(REPORT, markdown=False, console=Console(file=out, width=80))
    for part in ("1900 / 1980 / 1998", "950 / 950 / 950", "2.00x, 2.08x", "700 / 700"):
        assert part in out.getvalue()
