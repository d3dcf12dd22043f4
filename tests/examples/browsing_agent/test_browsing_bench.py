from __future__ import annotations

import asyncio
import sys

from examples.browsing_agent.bench import Totals, verdicts
from examples.browsing_agent.bench_pages import delays_ms


def test_a_delay_lasts_until_a_picture_shows_the_change_or_a_later_one() -> None:
    """Two changes of one picture each have their own delay; what is never shown has none; the stamp starts again."""
    assert delays_ms([0, 100, 150, 400, 900], [(0, 50), (2, 300), (2, 350), (3, 410)]) == [200, 150, 10]
    assert delays_ms([float(each) for each in range(300)], [(254, 254), (2, 260)]) == [5, 4, 3, 2]
    assert delays_ms([0, 1], []) == []


def test_the_verdict_compares_what_is_above_the_page_itself() -> None:
    """The share of CPU that a way adds, and a way that costs more is said to."""
    nobody, clock = Totals(seconds=10, browser_s=1.0), Totals(seconds=10, captures=4, browser_s=2.0, delays_ms=[1500.0])
    content = Totals(seconds=10, captures=1, browser_s=1.25, delays_ms=[100.0])
    (line,) = verdicts({("x", "nobody"): nobody, ("x", "clock"): clock, ("x", "content"): content})
    assert line == (
        "x: captures 75 % less, CPU 38 % less, above what the page costs by itself 75 % less, "
        "a change is seen 15.0x sooner (p90 15.0x)"
    )
    (line,) = verdicts({("x", "nobody"): nobody, ("x", "clock"): content, ("x", "content"): clock})
    assert "captures 4.0 times the clock's" in line


async def test_the_command_measures() -> None:
    """The smallest run there is, as it is called."""
    words = [sys.executable, "-m", "examples.browsing_agent.bench", "--seconds", "1", "--page", "static"]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert "static: captures" in output.decode()
