"""Calls at once from one browser, by the load page: how many of them hear the agent, how soon, for how much CPU."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import psutil
from playwright.async_api import Error

from bench.browser.chromium import chromium
from bench.browser.echo_agent import EchoAgent
from bench.browser.results import Load
from bench.browser.visit import window
from bench.first_word.doors import Page
from bench.measure import CallFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.browser.plan import Options, Transport
    from bench.workers import Surroundings

STAGGER_MS = 250
STAY_MS = 5000
BROWSER = "chrom"
"""In the names of all its processes."""


async def measure_loads(place: Surroundings, options: Options, told: Callable[[int], None]) -> list[Load]:
    """Failures are in it. Raises `BenchError` if a process does not start."""
    found: list[Load] = []
    agent = EchoAgent(place, max_calls=options.load_calls + 10)
    async with agent, Page(place, agent.agent_name, standby_rooms=1, static=options.static) as site:
        for way in options.transports:
            await site.filled()
            await agent.quiet()
            found.append(await _load(site, way, options.load_calls))
            told(1)
    return found


async def _load(site: Page, way: Transport, calls: int) -> Load:
    limit_ms = calls * STAGGER_MS + STAY_MS + 60_000.0
    try:
        async with chromium() as browser, window(browser) as tab:
            begun, busy = time.perf_counter(), browser_cpu_s()
            address = f"{site.url}/static/load.html?calls={calls}&transport={way}"
            await tab.goto(f"{address}&stagger_ms={STAGGER_MS}&stay_ms={STAY_MS}")
            try:
                await tab.wait_for_function("() => window.load.done", timeout=limit_ms)
            except Error as error:
                raise CallFailed(f"the load page was not done: {error.message.splitlines()[0]}") from None
            cores = (browser_cpu_s() - busy) / (time.perf_counter() - begun)
            told: dict[str, Any] = await tab.evaluate("window.load.report()")
    except CallFailed as error:
        return Load(way, calls, 0, (), 0.0, (str(error),))
    return Load(way, calls, told["heard"], tuple(told["sounds_ms"]), cores, tuple(told["failures"]))


def browser_cpu_s() -> float:
    """CPU seconds that the living processes of all browsers below this process have used."""
    used = 0.0
    for process in psutil.Process(os.getpid()).children(recursive=True):
        try:
            if BROWSER in process.name():
                times = process.cpu_times()
                used += times.user + times.system
        except psutil.Error:
            continue  # it has just ended
    return used
