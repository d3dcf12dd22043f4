"""One run of `bench browser`, from the processes it needs to the report."""

from __future__ import annotations

import tempfile
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from bench.aside import progress, tell
from bench.browser.chromium import chromium
from bench.browser.clicks import measure_clicks
from bench.browser.cuts import CUTS_S, measure_cuts
from bench.browser.echoes import count_rounds, measure_echoes
from bench.browser.leaks import measure_leaks
from bench.browser.loads import measure_loads
from bench.browser.results import BrowserReport
from bench.browser.talks import measure_talks
from bench.browser.targets import targets
from bench.machine import this_machine
from bench.workers import BenchError, Surroundings, Worker
from sim.livekit_binary import default_cache_dir, find_livekit_server
from sim.livekit_server import LocalLiveKit

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine

    from bench.browser.plan import Options, Part

T = TypeVar("T")

MAX_CALLS = 20


async def run_browser(options: Options) -> BrowserReport:
    """Raises `BenchError` without Chromium or providers. What fails after that is in the report."""
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    report = BrowserReport(options.command, this_machine(binary), options.seed)
    async with chromium() as browser:
        report = replace(report, browser=f"Chromium {browser.version}")
    lost: list[str] = []
    async with Surroundings("fixed", options.seed, LocalLiveKit(binary=binary)) as place:
        with progress() as shown:
            for part in options.parts:
                task = shown.add_task(part, total=_count(part, options))
                work = _measure(part, place, options, report, lambda count, task=task: shown.advance(task, count))
                report = await _attempt(part, work, report, lost)
    report = replace(report, lost=tuple(lost))
    return replace(report, targets=targets(report))


def _count(part: Part, options: Options) -> int:
    ways = len(options.transports)
    counts: dict[Part, int] = {
        "click": options.clicks * (ways + 1) + options.browsers * ways,
        "turns": ways,
        "echo": count_rounds(options),
        "leaks": options.leak_calls * ways,
        "load": ways,
        "cuts": len(CUTS_S) * ways,
    }
    return counts[part]


async def _measure(
    part: Part, place: Surroundings, options: Options, report: BrowserReport, told: Callable[[int], None]
) -> BrowserReport:
    if part == "click":
        async with _worker(place) as worker:
            return replace(report, clicks=tuple(await measure_clicks(place, worker, options, told)))
    if part == "turns":
        async with _worker(place) as worker:
            return replace(report, talks=tuple(await measure_talks(place, worker, options, told)))
    if part == "echo":
        return replace(report, rounds=tuple(await measure_echoes(place, options, told)))
    if part == "leaks":
        return replace(report, leaks=tuple(await measure_leaks(place, options, told)))
    if part == "cuts":
        return replace(report, cuts=tuple(await measure_cuts(options, told)))
    return replace(report, loads=tuple(await measure_loads(place, options, told)))


@asynccontextmanager
async def _worker(place: Surroundings) -> AsyncGenerator[Worker]:
    """The template's own agent, whose greeting is not what an earlier run has kept."""
    with tempfile.TemporaryDirectory(prefix="firstword-greetings-") as folder:
        changes: dict[str, object] = {"greeting_cache_dir": folder, "max_calls": MAX_CALLS}
        async with (worker := Worker(place, "firstword", timeline_to_room=True, changes=changes)):
            yield worker


async def _attempt(part: Part, work: Coroutine[Any, Any, T], instead: T, lost: list[str]) -> T:
    """What `work` gives, or `instead` and a line in `lost`: other parts must not go with it."""
    try:
        return await work
    except BenchError as error:
        lost.append(f"{part}: {error}")
        return instead
