"""What the page fetches, how much of it, and that its first paint waits for no SDK."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from playwright.async_api import expect

from tests.web.page_driver import WAIT_MS, heard, opened, state, worker
from tests.web.page_server import PAGE_STATIC

if TYPE_CHECKING:
    from playwright.async_api import Browser, Request, Route

    from sim.livekit_server import LocalLiveKit
    from tests.web.page_server import PageServer

MOST_BYTES = 350_000
PAINTED = "() => performance.getEntriesByName('first-contentful-paint').length > 0"


def sdk() -> str:
    """The name of the chunk that livekit-client is in: larger than all the rest of the page."""
    return max(PAGE_STATIC.glob("*.js"), key=lambda path: path.stat().st_size).name


async def test_the_page_is_there_before_the_sdk(
    browser: Browser, page_server: PageServer, livekit: LocalLiveKit
) -> None:
    """While the SDK's chunk does not arrive, the page is painted and Talk answers; then the call goes on."""
    arrives = asyncio.Event()
    wanted = asyncio.Event()

    async def hold(route: Route) -> None:
        wanted.set()
        await arrives.wait()
        await route.continue_()

    async with opened(browser, page_server, "/healthz") as page, worker(livekit):
        await page.route(f"**/{sdk()}*", hold)
        await page.goto(page_server.url)
        await page.wait_for_function(PAINTED, timeout=WAIT_MS)
        await page.get_by_role("button", name="Talk").click()
        await expect(page.get_by_role("button", name="Hang up")).to_be_visible()
        await page.get_by_role("button", name="Hang up").click()
        await state(page, "ended")
        await page.get_by_role("button", name="Talk again").click()
        await asyncio.wait_for(wanted.wait(), WAIT_MS / 1000)
        assert await page.evaluate("window.firstword.state") in ("requesting", "connecting")
        arrives.set()
        await heard(page)


async def test_whip_never_asks_for_the_sdk(browser: Browser, page_server: PageServer, livekit: LocalLiveKit) -> None:
    """By `?transport=whip` neither the page nor a call fetches livekit-client or a token, and the agent is heard."""
    async with opened(browser, page_server, "/healthz") as page, worker(livekit):
        fetched: list[str] = []
        page.on("request", lambda request: fetched.append(request.url.split("?")[0].rsplit("/", 1)[-1]))
        await page.goto(page_server.url + "/?transport=whip")
        await page.get_by_role("button", name="Talk").click()
        await heard(page)
        await expect(page.locator("#caption")).to_contain_text("from the request")
        assert {"app.js", "whip"} <= set(fetched)
        assert sdk() not in fetched
        assert "token" not in fetched
        await page.get_by_role("button", name="Hang up").click()
        await state(page, "ended")


async def test_the_page_is_light(browser: Browser, page_server: PageServer, livekit: LocalLiveKit) -> None:
    """All files of the page and of a call by livekit-client, compressed as they are sent, are at most 350 kB."""
    async with opened(browser, page_server, "/healthz") as page, worker(livekit):
        finished: list[Request] = []
        page.on("requestfinished", lambda request: finished.append(request))
        await page.goto(page_server.url)
        await page.get_by_role("button", name="Talk").click()
        await heard(page)
        sizes: dict[str, int] = {}
        for request in finished:
            if request.method == "GET" and "/api/" not in request.url:
                sizes[request.url] = (await request.sizes())["responseBodySize"]
        assert any(sdk() in url for url in sizes)
        assert 0 < sum(sizes.values()) <= MOST_BYTES, sizes
