"""How a call by WhipTransport ends, or goes on with another agent: in Chromium, with a real livekit-server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from livekit import api

from tests.web.whip_client_page import HEARS, OPEN, PAGE, hears_tone, names, until_told
from tests.web.whip_client_site import WhipSite, page_of

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from sim.livekit_server import LocalLiveKit


async def test_closed_before_the_answer(browser: Browser, livekit: LocalLiveKit) -> None:
    """An abort while the POST is under way throws its reason; the session that comes after it is given back."""
    async with WhipSite(livekit) as site, page_of(browser, site.app()) as page:
        await page.evaluate(PAGE)
        thrown = await page.evaluate(
            """async () => {
              const opening = begin().open(Promise.resolve(sends(600)), abort.signal);
              while (!told.some(([, step]) => step === "posted")) await new Promise((go) => setTimeout(go, 1));
              abort.abort(new Error("enough"));
              return opening.then(() => "open", ({ message }) => message);
            }"""
        )
        assert thrown == "enough"
        assert await names(page) == []
        agent = await site.agents.get()
        while ("DELETE", "") not in site.asked:
            await asyncio.sleep(0.02)
        await site.until_empty(agent.room.name)


async def test_the_page_goes(browser: Browser, livekit: LocalLiveKit) -> None:
    """Leaving the page hangs up: the agent hears of it at once, not by a timeout."""
    async with WhipSite(livekit) as site, page_of(browser, site.app()) as page:
        await page.evaluate(PAGE)
        await page.evaluate(OPEN)
        await page.evaluate("addEventListener('pagehide', () => transport.close(true))")
        agent = await site.agents.get()
        await page.goto("about:blank")
        async with asyncio.timeout(10):  # the server's own timeout is 16 s
            await agent.left.get()


async def test_ended_by_the_server(browser: Browser, livekit: LocalLiveKit) -> None:
    """A room that is closed ends the call as that: not as a connection that is lost."""
    async with WhipSite(livekit) as site, page_of(browser, site.app()) as page:
        await page.evaluate(PAGE)
        joined = await page.evaluate(OPEN)
        await site.api.room.delete_room(api.DeleteRoomRequest(room=joined["room"]))
        assert await until_told(page, "closed") == ["closed", "server"]
        assert await page.evaluate("transport.stats()") is None


async def test_the_next_agent_is_heard(browser: Browser, livekit: LocalLiveKit) -> None:
    """An agent that is lost is missed, and its successor is heard on the same session."""
    async with WhipSite(livekit) as site, page_of(browser, site.app()) as page:
        await page.evaluate(PAGE)
        joined = await page.evaluate(OPEN)
        first = await site.agents.get()
        await page.wait_for_function(HEARS)
        await first.hush()
        await first.room.disconnect()
        await until_told(page, "agentLost")
        before = (await names(page)).count("agentTrack")
        await site.api.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(agent_name=site.agent_name, room=joined["room"])
        )
        second = await site.agents.get()
        await page.wait_for_function(
            "(before) => told.filter(([name]) => name === 'agentTrack').length > before", arg=before
        )
        await page.evaluate("energy()")
        await page.wait_for_function(HEARS)
        await page.evaluate("gate.value = 1")
        await hears_tone(second, 600)
        await page.evaluate("transport.close(false)")


async def test_a_session_that_is_gone_is_lost(browser: Browser, livekit: LocalLiveKit) -> None:
    """When the server has forgotten the caller meanwhile, the call ends as lost; no other call is begun."""
    async with WhipSite(livekit) as site, page_of(browser, site.app()) as page:
        await page.evaluate(PAGE)
        await page.evaluate(OPEN)
        site.refuse = {"PATCH": 404}
        # As the browser tells it when the way is lost.
        await page.evaluate("transport.client.follow('failed')")
        assert await until_told(page, "closed") == ["closed", "lost"]
        assert await names(page) == ["agentTrack", "interrupted", "closed"]
        assert [method for method, _ in site.asked].count("POST") == 1
        assert await page.evaluate("transport.stats()") is None
