"""The page's own figure of a call, against a second tap on the same sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from bench.browser.chromium import chromium
from bench.browser.clicks import sound_of
from bench.browser.echo_agent import EchoAgent
from bench.browser.plan import TRANSPORTS, Transport
from bench.browser.recording import recorded
from bench.browser.visit import Wanted, check_way, hang_up, open_page, talk, window
from bench.first_word.doors import Page
from bench.workers import Surroundings
from tests.web.page_server import PAGE_STATIC

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.alone

CALLS = 8
SAME_MS = 40.0
"""Two audio graphs on one track: each has buffers of its own."""


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Page]:
    async with Surroundings("fixed", 1) as place:
        agent = EchoAgent(place)
        async with agent, Page(place, agent.agent_name, standby_rooms=1, static=PAGE_STATIC) as page:
            yield page


@pytest.mark.parametrize("way", TRANSPORTS)
async def test_the_pages_figure_is_what_a_second_tap_hears(site: Page, way: Transport) -> None:
    """From the click's own time stamp. A busy machine may disturb a call: a wrong figure would be wrong in all."""
    apart_ms: list[float] = []
    async with chromium() as browser, window(browser, Wanted(record=48_000)) as tab:
        while len(apart_ms) < CALLS and min(map(abs, apart_ms), default=SAME_MS) >= SAME_MS:
            await open_page(tab, site.url, way)
            await site.filled()
            await talk(tab)
            await check_way(tab, way)
            sound_ms, input_ms = await sound_of(tab)
            assert 0 <= input_ms < sound_ms
            await tab.evaluate("new Promise((over) => setTimeout(over, 500))")
            heard_ms = (await recorded(tab)).first_audible_ms()
            assert heard_ms is not None
            apart_ms.append(heard_ms - await tab.evaluate("bench.click.stamp") - sound_ms)
            await hang_up(tab)
    assert min(map(abs, apart_ms)) < SAME_MS, apart_ms
