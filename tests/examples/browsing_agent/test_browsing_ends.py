"""How a page may end: each way has its error, in time, and the browser goes on."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import psutil
import pytest

from examples.browsing_agent import browsed_page, page_bridge
from examples.browsing_agent.browsing_errors import (
    NavigationError,
    PageClosedError,
    PageCrashedError,
    PageTimeoutError,
    UnknownRefError,
)
from tests.examples.browsing_agent.browsing_site import until

if TYPE_CHECKING:
    from examples.browsing_agent.browser_manager import BrowsedPage, BrowserManager
    from tests.examples.browsing_agent.browsing_site import BrowsingSite


async def drained(page: BrowsedPage) -> int:
    """How many captures a reader gets until the page ends."""
    return len([capture async for capture in page.changes()])


async def test_a_closed_page_ends_its_readers(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """The captures end, a capture that is under way ends, and all else says that the page is closed."""
    page = await manager.open_page(browsing_site.page("hello"))
    reader, capture = asyncio.create_task(drained(page)), asyncio.create_task(page.capture())
    await asyncio.sleep(0)
    await asyncio.gather(page.close(), page.close())
    assert await reader >= 0
    with pytest.raises(PageClosedError):
        await capture
    for use in (page.text(), page.click("e1"), page.goto(browsing_site.page("x")), page.scroll(1), page.back()):
        with pytest.raises(PageClosedError, match="it is closed"):
            await use
    assert manager.pages == ()


async def test_a_page_that_closes_itself_is_gone(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """A window that a click opened closes itself: the manager forgets it."""
    short = browsing_site.page("<button onclick='window.close()'>Close</button>")
    page = await manager.open_page(browsing_site.page(f"<button onclick=\"window.open('{short}')\">Open</button>"))
    (button,) = (await page.read()).items
    await page.click(button.ref)
    await until(lambda: len(manager.pages) == 2, "the window")
    popup = manager.pages[1]
    async with asyncio.timeout(20):
        while not (inside := (await popup.read()).items):
            await asyncio.sleep(0.05)
    reader = asyncio.create_task(drained(popup))
    with contextlib.suppress(PageClosedError):  # the click itself may come to its end first, or not
        await popup.click(inside[0].ref)
    assert await reader >= 0
    await until(lambda: manager.pages == (page,), "that the window is forgotten")
    await page.close()


async def test_a_crash_is_told_and_the_browser_goes_on(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """The renderer is killed while its page is watched and read."""
    page = await manager.open_page(browsing_site.page("<title>doomed</title>hello"))
    reader = asyncio.create_task(drained(page))
    await until(lambda: page.latest is not None, "a capture")
    killed: list[psutil.Process] = []
    for process in manager.processes():
        with contextlib.suppress(psutil.NoSuchProcess):
            if "--type=renderer" in process.cmdline():
                process.kill()
                killed.append(process)
    # The browser keeps one in reserve: the next page must not be given that while it dies.
    await asyncio.to_thread(psutil.wait_procs, killed, timeout=20)
    with pytest.raises(PageCrashedError, match="crashed; open it again"):
        await reader
    with pytest.raises(PageCrashedError):
        await page.text()
    await until(lambda: manager.pages == (), "that the page is forgotten")
    again = await manager.open_page(browsing_site.page("again"))
    assert "again" in await again.text()
    await again.close()


async def test_a_page_that_hangs_is_told_in_time(
    manager: BrowserManager, browsing_site: BrowsingSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script without end: reading it gives up, and it can be closed."""
    page = await manager.open_page(browsing_site.page("<button onclick='for (;;);'>Hang</button>"))
    (button,) = (await page.read()).items
    monkeypatch.setattr(page_bridge, "CALL_LIMIT_S", 1.0)
    monkeypatch.setattr(browsed_page, "ACTION_LIMIT_S", 1.0)
    with pytest.raises(PageTimeoutError, match="click took longer than"):
        await page.click(button.ref)
    with pytest.raises(PageTimeoutError, match="took longer than 1 s"):
        await page.text()
    monkeypatch.undo()
    await page.close()
    assert manager.pages == ()
    other = await manager.open_page(browsing_site.page("other"))
    assert "other" in await other.text()
    await other.close()


async def test_a_navigation_in_the_middle(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """A page that leaves while it is watched and read: the caller sees the page that it went to."""
    blue = browsing_site.page("<title>blue</title><body style='background:#00f'>")
    page = await manager.open_page(browsing_site.page(f"<script>setTimeout(() => location = '{blue}', 300)</script>"))
    async for capture in page.changes():
        if capture.rgba()[:3][2] > 200 and capture.rgba()[0] < 50:
            break
    assert (await page.read()).title == "blue"
    with pytest.raises(UnknownRefError):
        await page.click("e1")
    await page.close()


async def test_a_site_that_is_not_there(manager: BrowserManager, browsing_site: BrowsingSite) -> None:
    """A name without an address is an error, a page that is missing is a page with its status."""
    with pytest.raises(NavigationError, match=r"nowhere\.invalid cannot be reached"):
        await manager.open_page("http://nowhere.invalid/")
    page = await manager.open_page(f"http://{browsing_site.host}/missing")
    assert page.status == 404
    assert "nothing here" in await page.text()
    await page.close()
