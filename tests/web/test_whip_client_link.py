"""WhipTransport on a network that goes away: a relay between Chromium and livekit-server loses every packet."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from sim.livekit_server import LocalLiveKit
from sim.lossy_link import RELAY_HOST, Conditions, LossyLink
from tests.web.whip_client_page import HEARS, OPEN, PAGE, until_told
from tests.web.whip_client_site import Agent, WhipSite, page_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser, Page

AWAY = Conditions(loss=1.0)


@asynccontextmanager
async def in_a_call(browser: Browser) -> AsyncGenerator[tuple[Page, WhipSite, Agent, LossyLink]]:
    """The caller's packets go through the link; the agent's are left alone."""
    async with (
        LocalLiveKit(media_host=RELAY_HOST) as livekit,
        LossyLink(livekit.ports.rtc) as link,
        WhipSite(livekit, candidates=False) as site,
        page_of(browser, site.app()) as page,
    ):
        await page.evaluate(PAGE)
        async with asyncio.TaskGroup() as both:
            both.create_task(page.evaluate(OPEN))
            agent = await site.agents.get()
            for flow in link.flows:
                flow.conditions = Conditions()
        await page.wait_for_function(HEARS)
        yield page, site, agent, link
        await page.evaluate("transport.close(false)")


async def test_the_call_goes_on_after_a_cut(browser: Browser) -> None:
    """Interrupted, ICE restarted, restored, and the agent is heard again; it has never missed the caller."""
    async with in_a_call(browser) as (page, site, agent, link):
        link.conditions = AWAY
        await until_told(page, "interrupted")
        while ("PATCH", "*") not in site.asked:
            await asyncio.sleep(0.02)
        link.conditions = Conditions()
        await until_told(page, "restored")
        await page.evaluate("energy()")
        await page.wait_for_function(HEARS)
        assert agent.left.empty()
        told = [name for name, *_ in await page.evaluate("told")]
        assert "closed" not in told
        assert "agentLost" not in told
