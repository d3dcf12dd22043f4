"""The page that docs/browser-client.md shows: copied as it stands, it is a page with a call."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from tests.web.page_driver import WAIT_MS, app_for, worker
from tests.web.page_server import serve

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from sim.livekit_server import LocalLiveKit

DOCUMENT = Path(__file__).parents[2] / "docs/browser-client.md"
STATE = "state => window.call?.state === state"


def with_example(app: web.Application) -> web.Application:
    """The example at `/example`; its script is a file, as the server's content policy wants it."""
    (example,) = re.findall(r"```html\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    body, script = re.split(r'<script type="module">', example)

    async def html(_: web.Request) -> web.Response:
        tag = '<script type="module" src="/example.js"></script>'
        return web.Response(text=f"<!doctype html>{body}{tag}", content_type="text/html")

    async def javascript(_: web.Request) -> web.Response:
        return web.Response(text=script.partition("</script>")[0], content_type="text/javascript")

    app.add_routes([web.get("/example", html), web.get("/example.js", javascript)])
    return app


@pytest.mark.parametrize("way", ["", "?whip"])
async def test_the_example_is_a_page_with_a_call(browser: Browser, livekit: LocalLiveKit, way: str) -> None:
    """Talk, the agent's words in the list, Hang up; by either way in."""
    async with serve(with_example(app_for(livekit))) as server, worker(livekit):
        page = await browser.new_page()
        await page.goto(f"{server.url}/example{way}")
        await page.wait_for_function(STATE, arg="idle", timeout=WAIT_MS)
        await page.click("#talk")
        await page.wait_for_function(STATE, arg="live", timeout=WAIT_MS)
        if not way:  # this agent writes text streams only
            await page.wait_for_function("() => said.textContent.includes('agent: Hello')", timeout=WAIT_MS)
        await page.wait_for_function("() => call.timings.first_word_ms !== null", timeout=WAIT_MS)
        await page.click("#bye")
        await page.wait_for_function(STATE, arg="ended", timeout=WAIT_MS)
        assert await page.title() == "ended"
        await page.close()
