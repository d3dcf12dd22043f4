from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from examples.browsing_agent.capture_types import CaptureLimits
from tests.examples.browsing_agent.browsing_site import until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from examples.browsing_agent.browser_manager import BrowsedPage, BrowserManager, Capture
    from tests.examples.browsing_agent.browsing_site import BrowsingSite

TEXT = "<p>" + "word " * 300
COLOURS = "['#f00', '#0f0', '#00f', '#ff0', '#0ff', '#f0f']"


@asynccontextmanager
async def watched(page: BrowsedPage) -> AsyncGenerator[list[Capture]]:
    """What a caller has seen so far, from the first capture on."""
    seen: list[Capture] = []

    async def watch() -> None:
        async for capture in page.changes():
            seen.append(capture)  # noqa: PERF401  # read while it grows

    task = asyncio.create_task(watch())
    await until(lambda: bool(seen), "the first capture")
    try:
        yield seen
    finally:
        await page.close()
        await task


def colour(capture: Capture, x: int = 1200, y: int = 700) -> tuple[bool, bool, bool]:
    """Which of red, green and blue are on."""
    at = (y * capture.size[0] + x) * 4
    red, green, blue, _ = capture.rgba()[at : at + 4]
    return red > 128, green > 128, blue > 128


async def at_rest(page: BrowsedPage) -> None:
    """Nothing is captured, looked at or checked any more, for a moment."""
    while True:
        before = page.statistics
        await until(lambda: page.at_rest, "rest")
        await asyncio.sleep(0.3)
        if page.statistics == before:
            return


async def test_a_page_at_rest_costs_nothing(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """A handful of looks and captures when it is opened, then none at all."""
    page = await manager.open_page(browsing_site.page(TEXT))
    async with watched(page):
        await at_rest(page)
        before = page.statistics
        await asyncio.sleep(1.5)
        assert page.statistics == before
        assert before.captures <= 4


async def test_one_digit_is_seen(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """The change of a single character of ordinary text."""
    button = "<button onclick='d.textContent = n++ ? 8 : 3'>Go</button>"
    digit = "<script>let n = 0</script><p id=d style='font: 16px sans-serif'>3</p>"
    page = await manager.open_page(browsing_site.page(button + digit + TEXT))
    (item,) = (await page.read()).items
    async with watched(page) as seen:
        await page.click(item.ref)  # takes the focus, which is painted, too
        await at_rest(page)
        before = len(seen)
        await page.click(item.ref)
        await until(lambda: len(seen) > before, "the other digit")
        await at_rest(page)
        before = len(seen)
        await page.click(item.ref)
        await at_rest(page)
        assert len(seen) == before  # the same digit once more


@pytest.mark.parametrize("gap_ms", [5, 40])
async def test_the_last_of_quick_changes_is_never_lost(
    manager: BrowserManager, browsing_site: BrowsingSite, gap_ms: int
) -> None:
    """Six changes at once, faster than the browser may send pictures: the caller sees the one that stays."""
    paint = f"document.body.style.background = {COLOURS}[n++]; n < 6 && setTimeout(next, {gap_ms})"
    script = f"<script>let n = 0; const next = () => {{ {paint} }}</script>"
    page = await manager.open_page(browsing_site.page(f"{script}<button onclick='next()'>Go</button>{TEXT}"))
    (button,) = (await page.read()).items
    async with watched(page) as seen:
        await at_rest(page)
        await page.click(button.ref)
        await until(lambda: colour(seen[-1]) == (True, False, True), "the last colour")
        await at_rest(page)
        assert colour(seen[-1]) == (True, False, True)


async def test_what_is_painted_without_a_mutation_is_seen(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """A canvas, and an animation of CSS that runs once: neither changes the document."""
    drawing = "setTimeout(() => c.getContext('2d').fillRect(0, 0, 300, 300), 1500)"
    canvas = f"<canvas id=c width=300 height=300></canvas><script>{drawing}</script>"
    moving = "<style>@keyframes m { to { background: #00f } } body { animation: m .1s 1.5s forwards }</style>"
    for body, x, y, seen_colour in ((canvas, 100, 100, (False,) * 3), (moving, 1200, 700, (False, False, True))):
        page = await manager.open_page(browsing_site.page(body))
        async with watched(page) as seen:
            await until(lambda: colour(seen[-1], x, y) == seen_colour, f"the change of {body[:20]}")  # noqa: B023  # awaited within the round


async def test_a_spinner_is_captured_seldom_and_hides_nothing(
    manager: BrowserManager, browsing_site: BrowsingSite
) -> None:
    """A small animation for ever does not lead to captures at the full rate; a change beside it is captured at once."""
    turning = "@keyframes s { to { transform: rotate(360deg) } } .s { animation: s 1s linear infinite }"
    looks = ".s { width: 24px; height: 24px; background: #c33 }"
    spinner = f"<style>{turning} {looks}</style><div class=s></div>"
    page = await manager.open_page(
        browsing_site.page(f"{spinner}<button onclick='document.body.style.background=`#00f`'>Go</button>{TEXT}")
    )
    (button,) = (await page.read()).items
    async with watched(page) as seen:
        told = [page.statistics]

        def is_seldom() -> bool:
            told.append(page.statistics)
            before = next(each for each in told if each.looks > told[-1].looks - 12)
            return told[-1].looks > 12 and told[-1].captures - before.captures <= 3

        await until(is_seldom, "twelve looks with few captures")
        await page.click(button.ref)
        await until(lambda: colour(seen[-1]) == (False, False, True), "the change beside the spinner")


async def test_a_page_that_never_rests_has_a_highest_rate(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """Captures are at least their interval apart, one at a time; a slow reader gets the newest and not a backlog."""
    paint = "document.body.style.background = `hsl(${n++ * 7 % 360}, 90%, 50%)`; requestAnimationFrame(f)"
    page = await manager.open_page(
        browsing_site.page(f"<body><script>let n = 0; const f = () => {{ {paint} }}; f()</script>")
    )
    slow = page.changes()
    first = await anext(slow)
    async with watched(page) as seen:
        await until(lambda: len(seen) > 5, "captures")
        newest = await anext(slow)
        await slow.aclose()
        gaps_s = [later.at_s - earlier.at_s for earlier, later in pairwise(seen)]
        assert min(gaps_s) >= CaptureLimits().capture_interval_s * 0.99
        assert newest.number > first.number + 3
        assert [each.number for each in seen] == sorted({each.number for each in seen})


async def test_nobody_who_watches_means_no_looks(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """The last reader who leaves ends them, the next one gets the page as it is."""
    page = await manager.open_page(
        browsing_site.page("<script>setInterval(() => document.body.append(' word'), 50)</script>")
    )
    reader = page.changes()
    await anext(reader)
    await anext(reader)
    await reader.aclose()
    await at_rest(page)
    before = page.statistics
    await asyncio.sleep(0.5)
    assert page.statistics == before
    now = await page.capture()
    assert now.number > 2
    async with watched(page) as seen:
        await until(lambda: seen[-1].number > now.number, "a newer capture")


async def test_several_pages_are_watched_at_once(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """Also the one that was opened first and lies behind the other, and after it went to another page."""
    blue = browsing_site.page("<body style='background:#00f'>")
    one = await manager.open_page(browsing_site.page("<title>one</title>"))
    two = await manager.open_page(browsing_site.page("<title>two</title>"))
    async with watched(one) as first, watched(two) as second:
        await one.goto(blue)
        await until(lambda: colour(first[-1]) == (False, False, True), "the page behind")
        assert colour(second[-1]) == (True, True, True)


def test_limits_are_checked() -> None:
    """By name, value and what is allowed."""
    with pytest.raises(ValueError, match=r"look_interval_s: 0; allowed: above 0"):
        CaptureLimits(look_interval_s=0)
    with pytest.raises(ValueError, match="quality: 101; allowed: 1 to 100"):
        CaptureLimits(quality=101)
