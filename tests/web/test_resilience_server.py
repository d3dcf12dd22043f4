"""LiveKit is killed in the middle of a call, and is back at once."""

from __future__ import annotations

import os
import signal
import socket
from typing import TYPE_CHECKING

from playwright.async_api import expect

from sim.livekit_server import LocalLiveKit, free_port
from tests.web.enduring_call import WAIT_MS, calling, goes_on, hang_up, nobody_left

if TYPE_CHECKING:
    from playwright.async_api import Browser


async def test_a_server_that_is_killed_and_comes_back(browser: Browser) -> None:
    """By livekit-client caller and agent come back to a new room of the same name, and talk on."""
    own = LocalLiveKit(port=free_port(socket.SOCK_STREAM))
    async with own, calling(browser, own, "livekit") as (page, agent):
        await restart(own)
        await expect(page.locator("#notice")).not_to_be_empty(timeout=WAIT_MS)
        await goes_on(page, agent)
        await hang_up(page, own, *agent.rooms)


async def test_a_server_that_is_killed_and_comes_back_by_whip(browser: Browser) -> None:
    """Its session is gone with it: the call ends in words, and nobody is in the new server."""
    own = LocalLiveKit(port=free_port(socket.SOCK_STREAM))
    async with own, calling(browser, own, "whip") as (page, agent):
        await restart(own)
        await page.wait_for_function("() => ['ended', 'failed'].includes(firstword.state)", timeout=WAIT_MS)
        assert await page.locator("#failure:visible, #notice:visible").count() > 0
        await nobody_left(own, *agent.rooms)


async def restart(own: LocalLiveKit) -> None:
    """Killed, and started again at the same address."""
    os.kill(own.pid, signal.SIGKILL)
    await own.stop()
    await own.start()
