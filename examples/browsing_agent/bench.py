"""Captures by content against a capture every 3 s: how many, what they cost, and how late a change is seen.

    uv run -m examples.browsing_agent.bench --seconds 12 --rounds 2

Both ways take turns on the same browser, and so does watching by nobody, which is what the page itself costs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import platform
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal

import psutil
import typer
from aiohttp import web
from rich.console import Console
from rich.table import Table

from bench.stats import quantiles
from examples.browsing_agent.bench_pages import BUTTON, PAGES, TIMES, BenchPage, delays_ms, stamp_of
from examples.browsing_agent.browser_manager import BrowsedPage, BrowserManager

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from examples.browsing_agent.capture_types import Capture

Way = Literal["nobody", "clock", "content"]
WAYS: tuple[Way, ...] = ("nobody", "clock", "content")
CLOCK_S = 3.0
SETTLE_S = 5.0
"""Chromium draws its own windows, which nobody sees, for some seconds after a page is opened."""
TEXT_LIMIT = 1_000_000


@dataclass
class Totals:
    """Of one page and one way, all rounds together."""

    seconds: float = 0.0
    captures: int = 0
    bytes: int = 0
    looks: int = 0
    look_bytes: int = 0
    browser_s: float = 0.0
    own_s: float = 0.0
    delays_ms: list[float] = field(default_factory=list[float])

    @property
    def cpu_s(self) -> float:
        return self.browser_s + self.own_s

    def a_minute(self, value: float) -> float:
        return value * 60 / self.seconds


Results = dict[tuple[str, Way], Totals]


async def measure(seconds: float, rounds: int, names: list[str]) -> Results:
    """Every page with every way, in turns; the first way changes from round to round."""
    pages = [page for page in PAGES if not names or page.name in names]
    results: Results = {(page.name, way): Totals() for page in pages for way in WAYS}
    async with serving(pages) as urls, BrowserManager(allowed_hosts=["127.0.0.1"]) as manager:
        for turn in range(rounds):
            for page in pages:
                for way in (*WAYS[turn % len(WAYS) :], *WAYS[: turn % len(WAYS)]):
                    await _visit(manager, page, urls[page.name], way, seconds, results[page.name, way])
    return results


async def _visit(manager: BrowserManager, page: BenchPage, url: str, way: Way, seconds: float, totals: Totals) -> None:
    open_page = await manager.open_page(url)
    seen: list[tuple[Capture, float]] = []
    watching = asyncio.create_task(_watch(open_page, way, seen))
    # Opening and the first picture, which both ways make, are not what differs.
    await asyncio.sleep(SETTLE_S)
    before, began_s = open_page.statistics, time.monotonic()
    browser_s, own_s = _cpu_s(manager)
    await asyncio.sleep(seconds)
    browser_after_s, own_after_s = _cpu_s(manager)
    totals.browser_s += browser_after_s - browser_s
    totals.own_s += own_after_s - own_s
    totals.seconds += time.monotonic() - began_s
    after = open_page.statistics
    totals.captures += after.captures - before.captures
    totals.bytes += after.bytes - before.bytes
    totals.looks += after.looks - before.looks
    totals.look_bytes += after.look_bytes - before.look_bytes
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    if page.changes and way != "nobody":
        times_ms = await _times_ms(open_page)
        stamps = [(await asyncio.to_thread(stamp_of, capture), at_ms) for capture, at_ms in seen]
        totals.delays_ms += delays_ms(times_ms, stamps)
    await open_page.close()


async def _watch(page: BrowsedPage, way: Way, seen: list[tuple[Capture, float]]) -> None:
    if way == "content":
        async for capture in page.changes():
            seen.append((capture, time.time() * 1000))  # noqa: PERF401  # what came until it is cancelled
    next_s = time.monotonic()
    while way == "clock":
        seen.append((await page.capture(), time.time() * 1000))
        next_s += CLOCK_S
        await asyncio.sleep(max(0.0, next_s - time.monotonic()))


async def _times_ms(page: BrowsedPage) -> list[float]:
    """When the page changed, as it tells itself."""
    refs = {item.label: item.ref for item in (await page.read()).items}
    await page.click(refs[BUTTON])
    told = (await page.read(limit=TEXT_LIMIT)).text.partition(TIMES)[2].split()[0]
    return [float(each) for each in told.split(",")]


def _cpu_s(manager: BrowserManager) -> tuple[float, float]:
    """Of the browser, and of this process with Playwright's. To find the processes costs some itself, each time."""
    browser = manager.processes()
    own = psutil.Process()
    pids = {process.pid for process in browser}
    others = [process for process in own.children(recursive=True) if process.pid not in pids]
    return sum(map(_spent_s, browser)), sum(map(_spent_s, [own, *others]))


def _spent_s(process: psutil.Process) -> float:
    """With its children that have ended, as those of a page that is closed."""
    with contextlib.suppress(psutil.Error):
        times = process.cpu_times()
        return times.user + times.system + times.children_user + times.children_system
    return 0.0


@contextlib.asynccontextmanager
async def serving(pages: list[BenchPage]) -> AsyncGenerator[dict[str, str]]:
    """The URL of each page, by its name."""
    bodies = {f"/{page.name}": page.body for page in pages}

    async def answer(request: web.BaseRequest) -> web.Response:
        body = bodies.get(request.path)
        if body is None:
            return web.Response(status=404)
        return web.Response(text=f"<!doctype html><title>bench</title><body>{body}", content_type="text/html")

    runner = web.ServerRunner(web.Server(answer), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        yield {page.name: f"http://127.0.0.1:{port}/{page.name}" for page in pages}
    finally:
        await runner.cleanup()


def table(results: Results) -> Table:
    made = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    headings = ("page", "way", "captures/min", "looks/min", "CPU s/min", "of it the browser", "kB/min")
    for number, heading in enumerate((*headings, "delay p50/p90/p99 ms", "n")):
        made.add_column(heading, justify="left" if number < 2 else "right")
    for (page, way), totals in results.items():
        times = quantiles(totals.delays_ms)
        made.add_row(
            page if way == WAYS[0] else "",
            way,
            f"{totals.a_minute(totals.captures):.1f}",
            f"{totals.a_minute(totals.looks):.0f}",
            f"{totals.a_minute(totals.cpu_s):.2f}",
            f"{totals.a_minute(totals.browser_s):.2f}",
            f"{totals.a_minute(totals.bytes + totals.look_bytes) / 1000:.0f}",
            f"{times.p50_ms:.0f} / {times.p90_ms:.0f} / {times.p99_ms:.0f}" if times else "-",
            str(times.n) if times else "-",
        )
    return made


def verdicts(results: Results) -> list[str]:
    """A line a page: content against the clock. CPU is also told without what the page costs when nobody watches."""
    lines: list[str] = []
    for page in dict.fromkeys(name for name, _ in results):
        nobody, clock, content = (results[page, way] for way in WAYS)
        parts = [
            f"captures {_less(clock.captures, content.captures)}",
            f"CPU {_less(clock.cpu_s / clock.seconds, content.cpu_s / content.seconds)}",
            "above what the page costs by itself " + _less(_above(clock, nobody), _above(content, nobody)),
        ]
        theirs, ours = quantiles(clock.delays_ms), quantiles(content.delays_ms)
        if theirs and ours:
            parts.append(
                f"a change is seen {theirs.p50_ms / ours.p50_ms:.1f}x sooner (p90 {theirs.p90_ms / ours.p90_ms:.1f}x)"
            )
        lines.append(f"{page}: {', '.join(parts)}")
    return lines


def _above(totals: Totals, nobody: Totals) -> float:
    return totals.cpu_s / totals.seconds - nobody.cpu_s / nobody.seconds


def _less(clock: float, content: float) -> str:
    if clock <= 0:
        return "not comparable (the clock's is not measurable)"
    change = (1 - content / clock) * 100
    return f"{change:.0f} % less" if change >= 0 else f"{content / clock:.1f} times the clock's"


def run(
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="Of each way on each page, in each round.")] = 9.0,
    rounds: Annotated[int, typer.Option(min=1, max=100)] = 1,
    page: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(each.name for each in PAGES)}; or all.")
    ] = None,
) -> None:
    """Captures by content against a capture every 3 s."""
    unknown = set(page or ()) - {each.name for each in PAGES}
    if unknown:
        raise typer.BadParameter(f"page: {', '.join(unknown)}; allowed: {', '.join(each.name for each in PAGES)}")
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    results = asyncio.run(measure(seconds, rounds, page or []))
    console = Console(highlight=False, width=None if os.isatty(1) else 140)
    console.print(table(results))
    for line in verdicts(results):
        console.print(line, markup=False)
    console.print(
        f"{rounds} round(s) of {seconds:g} s; {os.cpu_count()} cores, {platform.machine()}, Python "
        f"{platform.python_version()}, load before {load}. Counted from {SETTLE_S:g} s after opening.",
        markup=False,
    )


if __name__ == "__main__":
    typer.run(run)
