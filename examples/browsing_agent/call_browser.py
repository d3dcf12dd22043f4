"""One call's browser: what the agent's tools do with it, each answer as words for the language model."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import urljoin, urlsplit

from examples.browsing_agent.browser_manager import BrowserManager
from examples.browsing_agent.browsing_errors import BrowsingError, RefusedAddressError, UnknownRefError
from examples.browsing_agent.consent import Consent, Sending
from examples.browsing_agent.options import PLACE, BrowsingOptions, search_address
from examples.browsing_agent.page_video import PageVideo
from examples.browsing_agent.page_words import Fence
from examples.browsing_agent.site.shop import GardenShop
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from livekit import rtc

    from examples.browsing_agent.browsed_page import BrowsedPage
    from examples.browsing_agent.page_text import PageItem, PageText

log = get_logger("browsing")

SHOP_SEARCH = f"/search?q={PLACE}"
TEXT_LIMIT = 20_000
SCROLL_PIXELS = 500
REF = re.compile(r"e\d+")
VALUE = re.compile(r'now "(.*)"')
CHECKED = "checked"
FIELDS = ("field", "choice", "checkbox", "radio")
SEARCH_FIELD = "(search)"
FAILED = "That did not work."


@dataclass(frozen=True)
class Ask:
    """The caller must agree first: `question` is what to ask them, None if they have another one to answer."""

    question: str | None


class CallBrowser:
    """Opened at the first use, or by `open`. Nothing is raised for what a site does: the answer says it.

    One thing at a time: a language model may ask for two at once. `room` None: nobody sees the page.
    """

    def __init__(self, options: BrowsingOptions, room: rtc.Room | None = None) -> None:
        self.consent = Consent()
        self.shop: GardenShop | None = None
        """The site on this machine, where there is no start page."""
        self.video = None if room is None else PageVideo(room)
        self._options = options
        self._fence = Fence()
        self._stack = AsyncExitStack()
        self._manager: BrowserManager | None = None
        self._page: BrowsedPage | None = None
        self._start = options.start_page
        self._search = options.search
        self._lock = asyncio.Lock()
        self._following: asyncio.Task[None] | None = None
        self._closed = False

    async def open(self) -> str:
        """Have the browser at its first page; the answer is that page."""
        return await self._do(lambda _: _nothing())

    async def visit(self, address: str) -> str:
        """Go to an address: of the site that is open, or of one that the caller has named."""

        async def go(page: BrowsedPage) -> None:
            url = self._address(address, page.url)
            if urlsplit(url).netloc not in self._own_sites(page) and not self.consent.named(url):
                site = urlsplit(url).hostname or address
                raise RefusedAddressError(f"url: the caller has not named {site}; allowed: a site that they have named")
            await page.goto(url)

        return await self._do(go)

    async def search(self, words: str) -> str:
        return await self._do(lambda page: page.goto(search_address(self._search, words)))

    async def read(self, part: int = 1) -> str:
        return await self._do(lambda _: _nothing(), part=part)

    async def back(self) -> str:
        return await self._do(lambda page: page.back())

    async def scroll(self, direction: Literal["down", "up"]) -> str:
        return await self._do(lambda page: page.scroll(SCROLL_PIXELS if direction == "down" else -SCROLL_PIXELS))

    async def fill(self, ref: str, value: str) -> str:
        async def fill(page: BrowsedPage) -> None:
            await page.fill(_found(ref, (await page.read()).items, FIELDS).ref, value)

        return await self._do(fill)

    async def click(self, ref: str) -> str | Ask:
        """A link, or a button; one on a page with a form waits for the caller's word, as `send` does."""
        ask: list[Ask] = []

        async def click(page: BrowsedPage) -> None:
            read = await page.read(limit=TEXT_LIMIT)
            item = _found(ref, read.items)
            if item.kind == "button" and _form(read):
                ask.extend(self._unless_agreed(read, item.ref))
            if not ask:
                await page.click(item.ref)

        answer = await self._do(click)
        return ask[0] if ask else answer

    async def send(self, ref: str) -> str | Ask:
        """Submit the form that `ref` is in; at first the answer is what to ask the caller."""
        ask: list[Ask] = []

        async def send(page: BrowsedPage) -> None:
            read = await page.read(limit=TEXT_LIMIT)
            form = _form(read)
            named = next((item for item in read.items if item.ref == ref), None)
            item = named or next(iter(form), None)
            if item is None:
                raise UnknownRefError("send: there is no form on this page; allowed: on a page with fields")
            ask.extend(self._unless_agreed(read, item.ref))
            if not ask:
                await page.submit(item.ref)

        answer = await self._do(send)
        return ask[0] if ask else answer

    def picture(self) -> bytes | None:
        """The newest capture, a JPEG; None before there is one."""
        latest = None if self._page is None else self._page.latest
        return None if latest is None else latest.jpeg

    async def aclose(self) -> None:
        """Any number of times; also while it opens."""
        self._closed = True
        if self.video is not None:
            await self.video.aclose()
        async with self._lock:
            await self._follow(None)
            await self._stack.aclose()
            self._manager = self._page = None

    async def _do(self, act: Callable[[BrowsedPage], Awaitable[None]], *, part: int = 1) -> str:
        async with self._lock:
            if self._closed:
                return FAILED
            try:
                page = await self._ready()
                await act(page)
                page = await self._newest(page)
                read = await page.read(limit=TEXT_LIMIT)
            except BrowsingError as error:
                log.info("the browser could not", reason=type(error).__name__)
                # Some of its words may be the page's: a label, a list of choices.
                return f"{FAILED}\n{self._fence.around(str(error))}"
            notices = [f"({notice.kind}: {notice.text})" for notice in page.notices()]
            return self._fence.around("\n".join((str(read), *notices)), part=part)

    async def _ready(self) -> BrowsedPage:
        if self._manager is None:
            if not self._start:
                self.shop = await self._stack.enter_async_context(GardenShop())
                self._start, self._search = self.shop.url, self.shop.url + SHOP_SEARCH
            own = {urlsplit(self._start).netloc}
            size = self._options.width, self._options.height
            manager = BrowserManager(executable=self._options.executable, viewport=size, allowed_hosts=own)
            self._manager = await self._stack.enter_async_context(manager)
        if self._page is None or self._page.closed:
            await self._show(await self._manager.open_page(self._start))
        assert self._page is not None
        return self._page

    async def _newest(self, page: BrowsedPage) -> BrowsedPage:
        """Where a click has opened a page beside this one, that one."""
        if self._manager is not None:
            opened = [each for each in self._manager.pages if each.opener is page and not each.closed]
            if opened:
                await self._show(opened[-1])
                return opened[-1]
        return page

    async def _show(self, page: BrowsedPage) -> None:
        self._page = page
        await self._follow(page)

    async def _follow(self, page: BrowsedPage | None) -> None:
        following, self._following = self._following, None
        if following is not None:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        if page is not None and self.video is not None:
            self._following = asyncio.create_task(_mirror(page, self.video), name="mirrors the page")

    def _unless_agreed(self, read: PageText, ref: str) -> list[Ask]:
        values = tuple((item.label, _value(item)) for item in _form(read))
        sending = Sending(read.url, ref, values)
        return [] if self.consent.take(sending) else [Ask(self.consent.ask(sending))]

    def _own_sites(self, page: BrowsedPage) -> set[str]:
        return {urlsplit(self._start).netloc, urlsplit(page.url).netloc}

    @staticmethod
    def _address(address: str, here: str) -> str:
        """`/hours` is a page of the site that is open; "bbc.co.uk" a site."""
        if "://" in address:
            return address
        return urljoin(here, address) if address.startswith("/") else f"https://{address}"


async def _mirror(page: BrowsedPage, video: PageVideo) -> None:
    try:
        async with aclosing(page.changes()) as changes:
            async for capture in changes:
                await video.show(capture.jpeg)
    except BrowsingError as error:
        log.info("the page is gone", reason=type(error).__name__)
    except Exception as error:  # noqa: BLE001  # the SDK raises bare exceptions; a call without the picture goes on
        log.warning("the page is not shown", reason=type(error).__name__)


def _form(read: PageText) -> list[PageItem]:
    """The fields of the page that are more than a search."""
    return [item for item in read.items if item.kind in FIELDS and SEARCH_FIELD not in item.detail]


def _value(item: PageItem) -> str:
    """What is in a field now, as the page's text tells it."""
    now = VALUE.search(item.detail)
    if now:
        return now[1]
    return "yes" if item.detail == CHECKED else ""


def _found(name: str, items: Sequence[PageItem], kinds: Sequence[str] | None = None) -> PageItem:
    """The item of this ref, or of these words if only one has them. Raises `UnknownRefError`."""
    of_kind = [item for item in items if kinds is None or item.kind in kinds]
    wanted = name.strip().strip("[]").lower()
    if REF.fullmatch(wanted):
        found = [item for item in of_kind if item.ref == wanted]
    else:
        found = [item for item in of_kind if item.label.lower() == wanted]
        found = found or [item for item in of_kind if wanted and wanted in item.label.lower()]
        # The same link at the top and at the bottom is one.
        found = found[:1] if len({item.detail for item in found}) == 1 else found
    if len(found) != 1:
        there = ", ".join(f"{item.ref} {item.label!r}" for item in of_kind[:20]) or "none on this page"
        raise UnknownRefError(f"ref: {name[:40]!r} is {len(found)} things here; allowed: {there}")
    return found[0]


async def _nothing() -> None:
    return
