"""Click to first audible sample: by WHIP, by livekit-client, and the floor, in turns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from bench.browser.chromium import chromium
from bench.browser.plan import turns_of
from bench.browser.results import Click
from bench.browser.visit import check_way, hang_up, open_page, talk, window
from bench.first_word.calls import hear_one
from bench.first_word.doors import Page, into_sound
from bench.first_word.sounding import SoundingRooms
from bench.measure import CallFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import Page as Tab

    from bench.browser.plan import Options, Transport
    from bench.first_word.doors import Door
    from bench.workers import Surroundings, Worker

STANDBY_ROOMS = 2


async def measure_clicks(
    place: Surroundings, worker: Worker, options: Options, told: Callable[[int], None]
) -> list[Click]:
    """Each call finds an agent that waits in a standby room; its greeting is in memory. Failures are in the calls.

    The first call of each browser is apart. Raises `BenchError` if a process has ended.
    """
    site = Page(place, worker.agent_name, standby_rooms=STANDBY_ROOMS, static=options.static)
    clicks: list[Click] = []
    async with site, SoundingRooms() as address, aiohttp.ClientSession() as session:
        floor = into_sound(place, address, session)
        for _ in range(options.browsers):
            for way in options.transports:
                async with chromium() as browser, window(browser) as tab:
                    clicks.append(await _click(site, worker, tab, way, is_fresh=True))
                told(1)
        async with chromium() as browser, window(browser) as tab:
            for way in options.transports:
                await _click(site, worker, tab, way)  # this browser's first call does not count
            for way in turns_of(options):
                if way == "floor":
                    clicks.append(await _floor(site, worker, place, floor))
                else:
                    clicks.append(await _click(site, worker, tab, way))
                told(1)
    return clicks


async def _click(site: Page, worker: Worker, tab: Tab, way: Transport, *, is_fresh: bool = False) -> Click:
    try:
        await open_page(tab, site.url, way)
        await _rest(site, worker)
        await talk(tab)
        answer_ms = await check_way(tab, way)
        sound_ms, input_ms = await sound_of(tab)
        await hang_up(tab)
    except CallFailed as error:
        return Click(way, is_fresh=is_fresh, failed=str(error))
    return Click(way, sound_ms, input_ms, answer_ms, is_fresh)


async def sound_of(tab: Tab) -> tuple[float, float]:
    """Click's own time stamp to first audible sample by the page's meter, and the part before the page knew of it."""
    stamp, handled, sound_ms = await tab.evaluate(
        "[bench.click.stamp, bench.click.handled, window.firstword.timings.first_word_ms]"
    )
    return sound_ms, handled - stamp


async def _floor(site: Page, worker: Worker, place: Surroundings, door: Door) -> Click:
    await _rest(site, worker)
    heard = await hear_one(place, door)
    return Click("floor", heard.ttfw_ms, failed=heard.failed)


async def _rest(site: Page, worker: Worker) -> None:
    """Until the next agent waits and nothing of the call before is going on."""
    worker.check()
    await site.filled()
    await worker.quiet()
