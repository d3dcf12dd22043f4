"""The page's server beside a real livekit-server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from sim.livekit_server import LocalLiveKit
from tests.web.browser import chromium
from tests.web.page_server import AGENT, PAGE_STATIC, PROVIDERS, PageServer, serve
from web.server import page_app

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest
    from playwright.async_api import Browser


@pytest_asyncio.fixture(scope="session")
async def livekit() -> AsyncIterator[LocalLiveKit]:
    async with LocalLiveKit() as server:
        yield server


@pytest_asyncio.fixture(scope="module")
async def browser(request: pytest.FixtureRequest) -> AsyncIterator[Browser]:
    """One for a file: those of ended files would take time from the next ones."""
    async with chromium(lean=request.node.get_closest_marker("desktop") is None) as started:
        yield started


@pytest_asyncio.fixture
async def page_server(livekit: LocalLiveKit) -> AsyncIterator[PageServer]:
    app = page_app(
        livekit_url=livekit.url,
        api_key=livekit.api_key,
        api_secret=livekit.api_secret,
        agent_name=AGENT,
        info={"providers": PROVIDERS},
        static=PAGE_STATIC,
    )
    async with serve(app) as server:
        yield server
