"""The browser of the agent: a bounded number of pages, each of which can do no harm outside of its site."""

from __future__ import annotations

import asyncio
import os
import uuid
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psutil
from playwright.async_api import Error, async_playwright

from examples.browsing_agent.browsed_page import BrowsedPage, Notice
from examples.browsing_agent.browsing_errors import BrowserStartError, BrowsingError, NavigationError, PageTimeoutError
from examples.browsing_agent.capture_types import Capture, CaptureLimits, Statistics
from examples.browsing_agent.chromium import HOW, SANDBOX_HOW, UNWANTED, flags, found_chromium
from examples.browsing_agent.filtering_proxy import FilteringProxy
from examples.browsing_agent.page_bridge import PageBridge, finished_or_left
from examples.browsing_agent.safe_network import checked_url

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from playwright.async_api import Browser, BrowserContext, Page

    from examples.browsing_agent.safe_network import AllowedHosts

__all__ = ["BrowsedPage", "BrowserManager", "BrowsingError", "Capture", "CaptureLimits", "Notice", "Statistics"]

START_LIMIT_S = 30.0
NEW_PAGE_LIMIT_S = 20.0
CLOSE_LIMIT_S = 10.0
VIEWPORT = (1280, 720)
MAX_PAGES = 4
SIDE_LIMITS = 64, 4096


class BrowserManager:
    """`async with BrowserManager() as manager: page = await manager.open_page("https://example.org")`.

    `executable`: a Chromium; None takes the system's, or Playwright's. `viewport`: width and height in pixels.
    `allowed_hosts`: hosts that pages may reach although their address is private. `max_pages`: one more closes the
    oldest. `sandbox`: Chromium's own; None: unless this runs as root, for whom it does not start.
    """

    def __init__(
        self,
        *,
        executable: Path | None = None,
        viewport: tuple[int, int] = VIEWPORT,
        allowed_hosts: AllowedHosts = (),
        max_pages: int = MAX_PAGES,
        limits: CaptureLimits | None = None,
        sandbox: bool | None = None,
        proxy: FilteringProxy | None = None,
    ) -> None:
        low, high = SIDE_LIMITS
        if not all(low <= side <= high for side in viewport):
            raise ValueError(f"viewport: {viewport}; allowed: {low} to {high} pixels each")
        if max_pages < 1:
            raise ValueError(f"max_pages: {max_pages}; allowed: 1 and more")
        self.viewport = viewport
        self.allowed_hosts = allowed_hosts
        self.proxy = proxy or FilteringProxy(allowed_hosts)
        self._executable = executable
        self._max_pages = max_pages
        self._limits = limits or CaptureLimits()
        self._sandbox = os.geteuid() != 0 if sandbox is None else sandbox
        self._mark = uuid.uuid4().hex
        self._stack = AsyncExitStack()
        self._context: BrowserContext | None = None
        self._pages: list[BrowsedPage] = []
        self._numbers = 0
        self._opening = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def pages(self) -> tuple[BrowsedPage, ...]:
        """The open ones, the oldest first."""
        return tuple(self._pages)

    async def __aenter__(self) -> Self:
        """Raises `BrowserStartError`."""
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.proxy)
            playwright = await stack.enter_async_context(async_playwright())
            executable = found_chromium(self._executable, Path(playwright.chromium.executable_path))
            try:
                browser = await playwright.chromium.launch(
                    executable_path=executable,
                    args=flags(self.proxy.port, self._mark),
                    ignore_default_args=UNWANTED,
                    chromium_sandbox=self._sandbox,
                    headless=True,
                    timeout=START_LIMIT_S * 1000,
                )
            except Error as error:
                how = SANDBOX_HOW if self._sandbox else HOW
                words = error.message.splitlines()[0]
                raise BrowserStartError(f"Chromium did not start: {words}; {how}") from None
            stack.push_async_callback(self._shut, browser)
            self._context = await browser.new_context(
                viewport={"width": self.viewport[0], "height": self.viewport[1]},
                accept_downloads=False,
                service_workers="block",
            )
            await self._context.grant_permissions([])  # which refuses all of them
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._context = None
        await asyncio.gather(*(page.close() for page in self._pages), return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()

    async def open_page(self, url: str) -> BrowsedPage:
        """A new page. Where there are `max_pages`, the oldest is closed first; the new page's notices say so.

        Raises `RefusedAddressError`, `NavigationError`, `PageTimeoutError`; then no page is left behind.
        """
        url = checked_url(url, self.allowed_hosts)
        async with self._opening:
            closed = [await self._make_room() for _ in range(len(self._pages) - self._max_pages + 1)]
            page = await self._wrap(await self._new())
        for words in closed:
            page.tell("pages", words)
        try:
            await page.goto(url)
        except BaseException:
            await page.close()
            raise
        return page

    def cpu_s(self) -> float:
        """CPU seconds of the browser's processes so far, those that ended included."""
        return sum(_cpu_s(process) for process in self.processes())

    def processes(self) -> list[psutil.Process]:
        """The browser's own process and all below it."""
        mark = f"--browsing-agent={self._mark}"
        for process in psutil.Process().children(recursive=True):
            try:
                if mark in process.cmdline():
                    return [process, *process.children(recursive=True)]
            except psutil.Error:
                continue
        return []

    def adopt(self, popup: Page, opener: BrowsedPage) -> None:
        """A window: one for each page, after a click, while there is room; any other is closed at once."""
        self._own(self._adopt(popup, opener, asked_for=opener.may_open_a_window))

    def close_soon(self, page: BrowsedPage) -> None:
        """For a page that went away by itself."""
        if page in self._pages:
            self._own(page.close())

    def forget(self, page: BrowsedPage) -> None:
        if page in self._pages:
            self._pages.remove(page)

    async def _new(self) -> Page:
        if self._context is None:
            raise RuntimeError("the browser is not started, or closed: use `async with BrowserManager()`")
        try:
            async with asyncio.timeout(NEW_PAGE_LIMIT_S):
                return await self._context.new_page()
        except TimeoutError:
            raise PageTimeoutError(f"page: no new one within {NEW_PAGE_LIMIT_S:g} s") from None
        except Error as error:
            raise NavigationError(f"page: no new one ({error.message.splitlines()[0][:200]})") from None

    async def _wrap(self, page: Page, opener: BrowsedPage | None = None) -> BrowsedPage:
        assert self._context is not None
        try:
            async with asyncio.timeout(NEW_PAGE_LIMIT_S):
                session = await self._context.new_cdp_session(page)
        except TimeoutError:
            raise PageTimeoutError(f"page: no way into it within {NEW_PAGE_LIMIT_S:g} s") from None
        except Error as error:
            raise NavigationError(f"page: it went away ({error.message.splitlines()[0][:200]})") from None
        self._numbers += 1
        wrapped = BrowsedPage(self, page, PageBridge(page, session), self._numbers, self._limits, opener=opener)
        self._pages.append(wrapped)
        try:
            await wrapped.start()
        except BaseException:
            await wrapped.close()
            raise
        return wrapped

    async def _make_room(self) -> str:
        oldest = self._pages[0]
        await oldest.close()
        return f"page {oldest.number} was closed: at most {self._max_pages} are open"

    async def _adopt(self, popup: Page, opener: BrowsedPage, *, asked_for: bool) -> None:
        async with self._opening:
            crowded = len(self._pages) >= self._max_pages or any(page.opener is opener for page in self._pages)
            if crowded or not asked_for:
                await finished_or_left(popup.close(), NEW_PAGE_LIMIT_S)
                opener.tell("popup", f"refused: one for each page after a click, and at most {self._max_pages} pages")
                return
            try:
                page = await self._wrap(popup, opener)
            except BrowsingError:
                await finished_or_left(popup.close(), NEW_PAGE_LIMIT_S)
                return
            opener.tell("popup", f"opened as page {page.number}")

    async def _shut(self, browser: Browser) -> None:
        if not await finished_or_left(browser.close(), CLOSE_LIMIT_S):
            for process in reversed(self.processes()):
                process.kill()

    def _own(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name="a page that came or went by itself")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return times.user + times.system + times.children_user + times.children_system
