"""A question to the agent in writing, on the page."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from playwright.async_api import expect

from rooms.channel.endpoint import CHANNEL
from rooms.channel.requests import AnswerError
from tests.web.channel_page import Answering
from tests.web.page_driver import WAIT_MS, app_for, faults, heard, opened, shot, state, worker
from tests.web.page_server import serve

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from playwright.async_api import Browser, Route

    from sim.livekit_server import LocalLiveKit
    from tests.web.page_server import PageServer


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT_MS / 1000):
        while not true():
            await asyncio.sleep(0.01)


async def told(text: str) -> AsyncGenerator[str]:
    if text == "nobody knows":
        raise AnswerError("failed", "nobody knows")
    for word in ("You ", "asked: ", text):
        yield word


async def test_asked_in_writing_and_answered(browser: Browser, livekit: LocalLiveKit) -> None:
    """The question and the whole answer are lines of the transcript; the answer is read to a screen reader once."""
    app = app_for(livekit)
    async with serve(app) as server:
        channel = app[CHANNEL]
        channel.answers = Answering(told)
        async with opened(browser, server) as page, worker(livekit):
            await expect(page.locator("#ask")).to_be_hidden()
            await page.get_by_role("button", name="Talk").click()
            await heard(page)
            question = page.get_by_label("Write to the agent")
            await expect(question).to_be_visible(timeout=WAIT_MS)
            await question.fill("  When is lunch?  ")
            await question.press("Enter")
            await expect(page.locator(".written .text")).to_have_text(
                ["When is lunch?", "You asked: When is lunch?"], timeout=WAIT_MS
            )
            await expect(question).to_have_value("")
            await expect(page.locator("#lines-aloud p")).to_have_text(["Agent: You asked: When is lunch?"])

            await question.fill("nobody knows")
            await page.get_by_role("button", name="Send").click()
            await expect(page.locator(".written .text").last).to_have_text("No answer came.", timeout=WAIT_MS)
            assert await faults(page) == []
            await shot(page, "light-written")
            attempts = (await page.evaluate("window.firstword.report()"))["attempts"]
            assert attempts["ai"] == {"succeeded": 1, "failed": 1, "share": 0.5}
            assert attempts["websocket"]["succeeded"] == 1

            await page.keyboard.press("Alt+h")
            await state(page, "ended")
            await expect(page.locator("#ask")).to_be_hidden()
            assert await page.evaluate("document.activeElement.id") == "talk"
            await until(lambda: len(channel.sessions) == 0)


async def test_without_a_channel_there_is_no_field(
    browser: Browser, page_server: PageServer, livekit: LocalLiveKit
) -> None:
    """A server that tells of no channel is not asked for one."""

    async def without(route: Route) -> None:
        info = await (await route.fetch()).json()
        await route.fulfill(json={**info, "channel": False})

    async with opened(browser, page_server, "/healthz") as page, worker(livekit):
        sockets: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        await page.route("**/api/info", without)
        await page.goto(page_server.url)
        await page.get_by_role("button", name="Talk").click()
        await heard(page)
        await expect(page.locator("#ask")).to_be_hidden()
        assert not any("/api/channel" in url for url in sockets)
