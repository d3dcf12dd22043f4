"""A tab that is hidden, a microphone that is unplugged: the call goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.async_api import expect

from tests.web.enduring_call import TRANSPORTS, WAIT_MS, calling, goes_on, hang_up

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from sim.livekit_server import LocalLiveKit


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_tab_that_is_hidden_and_frozen_for_a_while(
    browser: Browser, livekit: LocalLiveKit, transport: str
) -> None:
    """The call goes on when it is back; hiding it hangs nothing up."""
    async with calling(browser, livekit, transport) as (page, agent):
        devtools = await page.context.new_cdp_session(page)
        await page.evaluate("hide(true)")
        await devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
        await agent.hears()
        await agent.hears()
        await devtools.send("Page.setWebLifecycleState", {"state": "active"})
        await page.evaluate("hide(false)")
        await goes_on(page, agent)
        await hang_up(page, livekit, *agent.rooms)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_microphone_that_is_unplugged_and_another_one_is_there(
    browser: Browser, livekit: LocalLiveKit, transport: str
) -> None:
    """The other one is taken, and the agent hears the caller again, without a word to the caller."""
    async with calling(browser, livekit, transport) as (page, agent):
        before = await page.evaluate("opened.length")
        await page.evaluate("unplug(true)")
        await page.wait_for_function("before => opened.length > before", arg=before, timeout=WAIT_MS)
        await goes_on(page, agent)
        await hang_up(page, livekit, *agent.rooms)
        assert await page.evaluate("opened.every(({ readyState }) => readyState === 'ended')")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_microphone_that_is_unplugged_and_plugged_in_again(
    browser: Browser, livekit: LocalLiveKit, transport: str
) -> None:
    """The call is kept and the caller is told; once there is a microphone again it is taken, and the words go."""
    async with calling(browser, livekit, transport) as (page, agent):
        await page.evaluate("unplug(false)")
        await expect(page.locator("#notice")).to_contain_text("icrophone", timeout=WAIT_MS)
        assert await page.evaluate("firstword.state") == "live"
        await page.evaluate("plugIn()")
        await goes_on(page, agent)
        await hang_up(page, livekit, *agent.rooms)
