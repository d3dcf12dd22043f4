"""A site and a browser for the tests of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from examples.browsing_agent.browser_manager import BrowserManager
from examples.browsing_agent.browsing_errors import BrowserStartError
from tests.examples.browsing_agent.browsing_site import BrowsingSite, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture(scope="module")
async def browsing_site() -> AsyncIterator[BrowsingSite]:
    async with serving() as site:
        yield site


@pytest_asyncio.fixture(scope="module")
async def manager(browsing_site: BrowsingSite) -> AsyncIterator[BrowserManager]:
    """Reaches the site and nothing else that is private. Skips where there is no Chromium."""
    try:
        async with BrowserManager(allowed_hosts=[browsing_site.host]) as browser:
            yield browser
    except BrowserStartError as error:
        if str(error).startswith("no Chromium"):
            pytest.skip(str(error))
        raise
