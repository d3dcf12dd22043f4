"""How one page gets to another: what is waited for, and why it did not come."""

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Any, Literal, Protocol
from urllib.parse import urlsplit

from playwright.async_api import Error

from examples.browsing_agent.browsing_errors import NavigationError, RefusedAddressError
from examples.browsing_agent.filtering_proxy import REFUSED_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from playwright.async_api import Page, Request, Response

    from examples.browsing_agent.filtering_proxy import FilteringProxy
    from examples.browsing_agent.page_bridge import PageBridge

GOTO_LIMIT_S = 20.0
BEGIN_LIMIT_S = 0.3
"""A click that leads to another page has asked for it by then."""
URL_LIMIT = 200
INTERRUPTED = "is interrupted by another navigation"


class Tell(Protocol):
    """Notes a refusal, in words for whoever uses the page."""

    def __call__(self, kind: Literal["refused"], text: str) -> None: ...


class PageTravel:
    """Of one page; `listen` before it is used."""

    def __init__(self, page: Page, bridge: PageBridge, proxy: FilteringProxy, tell: Tell) -> None:
        self.status: int | None = None
        """HTTP status of the page that is shown; None if there was no answer."""
        self.expected_s = -math.inf
        """`time.monotonic()` of the last `expect`."""
        self._page = page
        self._bridge = bridge
        self._proxy = proxy
        self._tell = tell
        self._begun, self._arrived = asyncio.Event(), asyncio.Event()
        self._failed_url = ""

    def listen(self) -> None:
        self._page.on("request", self._on_request)
        self._page.on("requestfailed", self._on_request_failed)
        self._page.on("response", self._on_response)

    def arrived(self) -> None:
        """At a page, or at something that is none."""
        self._arrived.set()

    async def go(self, go: Callable[[], Coroutine[Any, Any, Response | None]], url: str) -> None:
        """Waits until `go` has led to the page at `url`.

        Raises `RefusedAddressError`, `NavigationError`, `PageTimeoutError`, `PageClosedError`.
        """
        self._failed_url = ""
        self._proxy.forget(urlsplit(url).hostname or "")
        try:
            try:
                answer = await self._bridge.within(go(), GOTO_LIMIT_S + 1, "going to a page")
            except NavigationError as error:
                if INTERRUPTED not in str(error):
                    raise
                # What was on its way before, often the browser's own page for an error, has arrived now.
                answer = await self._bridge.within(go(), GOTO_LIMIT_S + 1, "going to a page")
        except NavigationError as error:
            host = urlsplit(self._failed_url or url).hostname or ""
            words = self._proxy.why_refused(host)
            if words is not None:
                raise RefusedAddressError(words) from None
            raise NavigationError(f"url: {url[:URL_LIMIT]} cannot be opened ({_network_words(error)})") from None
        if answer is not None and REFUSED_HEADER.lower() in answer.headers:
            host = urlsplit(answer.url).hostname or ""
            words = self._proxy.why_refused(host)
            if words is not None:
                raise RefusedAddressError(words)
            raise NavigationError(f"url: {host} cannot be reached (no such site, or it does not answer)")

    def expect(self) -> None:
        """What is done next may lead to another page."""
        self.expected_s = time.monotonic()
        self._begun.clear()
        self._arrived.clear()

    async def settle(self) -> None:
        """Until the page that an action led to is there, if it led to one."""
        try:
            async with asyncio.timeout(BEGIN_LIMIT_S):
                await self._begun.wait()
        except TimeoutError:
            return
        await self._bridge.within(self._arrived.wait(), GOTO_LIMIT_S, "going to a page")
        loaded = self._page.wait_for_load_state("domcontentloaded", timeout=GOTO_LIMIT_S * 1000)
        await self._bridge.within(loaded, GOTO_LIMIT_S, "going to a page")

    def _on_request(self, request: Request) -> None:
        if self._is_own(request):
            self._begun.set()

    def _on_request_failed(self, request: Request) -> None:
        if not self._is_own(request):
            return
        self._failed_url = request.url
        self._arrived.set()
        words = self._proxy.why_refused(urlsplit(request.url).hostname or "")
        if words is not None:
            self._tell("refused", words)

    def _on_response(self, response: Response) -> None:
        if not self._is_own(response.request):
            return
        self.status = response.status
        words = self._proxy.why_refused(urlsplit(response.url).hostname or "")
        if words is not None and REFUSED_HEADER.lower() in response.headers:
            self._tell("refused", words)

    def _is_own(self, request: Request) -> bool:
        """Whether it asks for the document of the page, not for that of a frame or for a part."""
        try:
            return request.is_navigation_request() and request.frame == self._page.main_frame
        except Error:
            return True  # the first document of a popup has no frame yet


def _network_words(error: NavigationError) -> str:
    """The browser's own word, as ERR_CONNECTION_REFUSED, without its call log."""
    if "Download is starting" in str(error):
        return "it is a download, which is refused"
    _, found, rest = str(error).partition("net::")
    return rest.split()[0] if found else "no answer"
