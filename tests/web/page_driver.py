"""The page in a browser window: opened, looked at, waited for."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import expect

from tests.rooms.wire_worker import WireWorker
from tests.web.page_server import AGENT, PAGE_STATIC, PROVIDERS
from tests.web.talking_agent import talking_agent
from web.server import page_app

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from aiohttp import web
    from playwright.async_api import Browser, Page

    from sim.livekit_server import LocalLiveKit
    from tests.web.page_server import PageServer

WAIT_MS = 20_000
expect.set_options(timeout=WAIT_MS)
# Set it to a folder to look at what the tests saw.
SHOTS = os.environ.get("PAGE_SHOTS")
AXE = Axe().axe_script
SERIOUS = ("serious", "critical")


@asynccontextmanager
async def opened(
    browser: Browser, server: PageServer, path: str = "/", *, before: str = "", **options: Any
) -> AsyncGenerator[Page]:
    """The page in a window of its own, after the script `before`; at the end it must not have logged an error or broken
    its content policy."""
    context = await browser.new_context(**options)
    complaints: list[str] = []
    page = await context.new_page()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda entry: complaints.append(entry.text) if "Content Security" in entry.text else None)
    try:
        if before:
            await page.add_init_script(before)
        await page.goto(server.url + path)
        yield page
        assert complaints == []
    finally:
        await context.close()


def app_for(livekit: LocalLiveKit, **info: Any) -> web.Application:
    """The page's server for `livekit`; `info` is what it tells besides the providers."""
    return page_app(
        livekit_url=livekit.url,
        api_key=livekit.api_key,
        api_secret=livekit.api_secret,
        agent_name=AGENT,
        info={"providers": PROVIDERS, **info},
        static=PAGE_STATIC,
    )


def worker(livekit: LocalLiveKit) -> WireWorker:
    return WireWorker(livekit.url, livekit.api_key, livekit.api_secret, AGENT, talking_agent(livekit.url))


async def state(page: Page, name: str) -> None:
    await page.wait_for_function("name => window.firstword.state === name", arg=name, timeout=WAIT_MS)


async def heard(page: Page) -> None:
    await page.wait_for_function("() => window.firstword.timings.first_word_ms !== null", timeout=WAIT_MS)


async def shot(page: Page, name: str) -> None:
    if SHOTS:
        await page.screenshot(path=str(Path(SHOTS) / f"{name}.png"), full_page=True)


async def faults(page: Page, *rules: str) -> list[str]:
    """What axe-core takes for a serious or critical fault of the page as it is now, by `rules` or by all."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(AXE)
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    violations: list[dict[str, Any]] = (await page.evaluate("options => axe.run(options)", options))["violations"]
    return [
        f"{fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in violations
        if fault["impact"] in SERIOUS
        for node in fault["nodes"]
    ]
