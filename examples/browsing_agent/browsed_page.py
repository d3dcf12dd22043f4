"""One open page: go, read, click, fill, and see what changes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from examples.browsing_agent.browsing_errors import (
    BrowsingError,
    FieldError,
    NavigationError,
    PageClosedError,
    UnknownRefError,
)
from examples.browsing_agent.captures import PageCaptures
from examples.browsing_agent.page_bridge import PageBridge, finished_or_left
from examples.browsing_agent.page_text import TEXT_LIMIT, PageText, page_text
from examples.browsing_agent.page_travel import GOTO_LIMIT_S, PageTravel
from examples.browsing_agent.safe_network import checked_url

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine

    from playwright.async_api import Dialog, Download, Frame, Page

    from examples.browsing_agent.browser_manager import BrowserManager
    from examples.browsing_agent.capture_types import Capture, CaptureLimits, Statistics

ACTION_LIMIT_S = 5.0
CLOSE_LIMIT_S = 5.0
POPUP_S = 5.0
"""A window that a page opens later than this after a click was not asked for."""
MAX_NOTICES = 20
NOTICE_LIMIT = 200
VALUE_LIMIT = 2_000
MAX_SCROLL = 20_000


NoticeKind = Literal["dialog", "download", "popup", "refused", "pages"]


@dataclass(frozen=True)
class Notice:
    """Something that happened by itself. `text` may hold words of the page: content, not instruction."""

    kind: NoticeKind
    text: str


class BrowsedPage:
    """Made by `BrowserManager.open_page`. What fails raises a `BrowsingError` that says why; nothing hangs."""

    def __init__(
        self,
        manager: BrowserManager,
        page: Page,
        bridge: PageBridge,
        number: int,
        limits: CaptureLimits,
        *,
        opener: BrowsedPage | None = None,
    ) -> None:
        self.number = number
        self.opener = opener
        self.opened_s = time.monotonic()
        self._manager = manager
        self._page = page
        self._bridge = bridge
        self._travel = PageTravel(page, bridge, manager.proxy, self.tell)
        self._captures = PageCaptures(bridge, manager.viewport, limits)
        self._next_ref = 1
        self._notices: deque[Notice] = deque(maxlen=MAX_NOTICES)
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_field: str | None = None
        self._closing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Called by the manager."""
        page = self._page
        page.on("dialog", self._on_dialog)
        page.on("download", self._on_download)
        page.on("popup", self._on_popup)
        page.on("framenavigated", self._on_navigated)
        self._travel.listen()
        self._bridge.on_end(self._on_gone)
        await self._bridge.install()
        self._captures.start()

    @property
    def url(self) -> str:
        return self._page.url

    @property
    def status(self) -> int | None:
        """HTTP status of the page that is shown; None if there was no answer."""
        return self._travel.status

    @property
    def closed(self) -> bool:
        """Also after a crash."""
        return self._bridge.failure is not None

    @property
    def latest(self) -> Capture | None:
        """The newest capture that was made, be it old."""
        return self._captures.latest

    @property
    def at_rest(self) -> bool:
        """Whether all that the page has painted is captured, as far as is known; also while nobody watches."""
        return self._captures.at_rest

    @property
    def statistics(self) -> Statistics:
        return self._captures.statistics

    @property
    def may_open_a_window(self) -> bool:
        """Whether it was used just now."""
        return not self.closed and time.monotonic() - self._travel.expected_s < POPUP_S

    def notices(self) -> list[Notice]:
        """What happened since the last call; the newest 20."""
        told = list(self._notices)
        self._notices.clear()
        return told

    def changes(self) -> AsyncGenerator[Capture]:
        """The latest capture, then one whenever the page has changed. A slow reader gets the newest.

        Ends when the page is closed; raises `PageCrashedError` when it crashed. Several readers share the captures.
        """
        return self._captures.changes()

    async def capture(self) -> Capture:
        """What the page looks like now, made for this call."""
        return await self._captures.capture()

    async def goto(self, url: str) -> None:
        """Opens the URL here and waits until its text is there.

        Raises `RefusedAddressError`, `NavigationError`, `PageTimeoutError`, `PageClosedError`.
        """
        url = checked_url(url, self._manager.allowed_hosts)
        await self._travel.go(
            lambda: self._page.goto(url, wait_until="domcontentloaded", timeout=GOTO_LIMIT_S * 1000), url
        )

    async def back(self) -> None:
        """To the page before. Raises `NavigationError` if there is none."""
        history = await self._bridge.send("Page.getNavigationHistory", {})
        place = history["currentIndex"]
        before = history["entries"][place - 1]["url"] if place > 0 else ""
        if not before.startswith(("http:", "https:")):
            raise NavigationError("back: this is the first page; allowed: after another page was opened here")
        await self._travel.go(
            lambda: self._page.go_back(wait_until="domcontentloaded", timeout=GOTO_LIMIT_S * 1000), before
        )

    async def read(self, *, limit: int = TEXT_LIMIT) -> PageText:
        """Title, address, visible text, and what can be clicked or filled."""
        if limit < 1:
            raise ValueError(f"limit: {limit}; allowed: 1 and more")
        found = await self._bridge.call("read", self._next_ref, limit)
        self._next_ref = found["next"]
        return page_text(found, limit)

    async def text(self, *, limit: int = TEXT_LIMIT) -> str:
        """The same as text; at most `limit` characters are the page's own."""
        return str(await self.read(limit=limit))

    async def click(self, ref: str) -> None:
        """By the mouse, where the thing is. If that leads to another page, waits for it."""
        place = self._judged(ref, await self._bridge.call("target", ref))
        await self._act(self._page.mouse.click(place["x"], place["y"]), "click")

    async def fill(self, ref: str, value: str) -> None:
        """Replaces what is in a field; chooses an option by its text; checks a box by "yes" or "no"."""
        if len(value) > VALUE_LIMIT:
            raise FieldError(f"{ref}: {len(value)} characters; allowed: up to {VALUE_LIMIT}")
        ready = self._judged(ref, await self._bridge.call("prepare", ref, value))
        self._last_field = ref
        if ready.get("type"):
            typing = self._page.keyboard.insert_text(value) if value else self._page.keyboard.press("Delete")
            await self._bridge.within(typing, ACTION_LIMIT_S, "fill")

    async def submit(self, ref: str | None = None) -> None:
        """Sends the form of this field or button; without one, that of the field that was filled last."""
        ref = ref or self._last_field
        if ref is None:
            raise UnknownRefError("submit: no field was filled; allowed: a ref of a form on the page")
        self._travel.expect()
        self._judged(ref, await self._bridge.call("submit", ref))
        await self._travel.settle()

    async def scroll(self, pixels: int) -> None:
        """Down, or up if negative."""
        if not -MAX_SCROLL <= pixels <= MAX_SCROLL:
            raise ValueError(f"pixels: {pixels}; allowed: {-MAX_SCROLL} to {MAX_SCROLL}")
        width, height = self._manager.viewport
        await self._bridge.within(self._page.mouse.move(width / 2, height / 2), ACTION_LIMIT_S, "scroll")
        await self._bridge.within(self._page.mouse.wheel(0, pixels), ACTION_LIMIT_S, "scroll")

    async def close(self) -> None:
        """Twice is allowed. Takes a few seconds at most, whatever the page does."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name=f"closes page {self.number}")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        self._bridge.end(PageClosedError("page: it is closed"))
        self._manager.forget(self)
        await self._captures.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if not self._page.is_closed():
            await self._bridge.stop_scripts()
            await finished_or_left(self._page.close(), CLOSE_LIMIT_S)

    async def _act(self, action: Coroutine[Any, Any, None], what: str) -> None:
        self._travel.expect()
        await self._bridge.within(action, ACTION_LIMIT_S, what)
        await self._travel.settle()

    def _judged(self, ref: str, answer: dict[str, Any]) -> dict[str, Any]:
        """What the page's script answered. Raises the error that its word of refusal stands for."""
        match answer.get("wrong"):
            case None:
                return answer
            case "gone":
                there = ", ".join(answer["refs"][-20:]) or "none, read the page first"
                raise UnknownRefError(f"ref: {ref[:20]!r} is not on the page; allowed: {there}")
            case "option":
                raise FieldError(f"{ref}: no such choice; allowed: {', '.join(answer['options'])}")
            case "kind":
                raise FieldError(f"{ref}: it is a {answer['kind']}; allowed: a field, a choice or a box")
            case "value":
                raise FieldError(f"{ref}: not a value for a field of type {answer['type']}; allowed: as HTML writes it")
            case "invalid":
                raise FieldError(f"{answer['ref']}: the form is not complete at {answer['label']!r}; fill it first")
            case "form":
                raise FieldError(f"{ref}: it is in no form; allowed: a field or button of a form")
            case wrong:
                raise FieldError(f"{ref}: it is {wrong}; allowed: what can be seen and used")

    def tell(self, kind: NoticeKind, text: str) -> None:
        """For the next `notices`."""
        self._notices.append(Notice(kind, text[:NOTICE_LIMIT]))

    def _own(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _on_dialog(self, dialog: Dialog) -> None:
        self.tell("dialog", f"{dialog.type}, dismissed: {dialog.message}")
        self._own(self._dismiss(dialog), "dismisses a dialog")

    async def _dismiss(self, dialog: Dialog) -> None:
        leaving = dialog.type == "beforeunload"
        with contextlib.suppress(BrowsingError):  # it went away with its page
            await self._bridge.within(dialog.accept() if leaving else dialog.dismiss(), ACTION_LIMIT_S, "a dialog")

    def _on_download(self, download: Download) -> None:
        self.tell("download", f"refused: {download.suggested_filename}")
        self._travel.arrived()

    def _on_popup(self, popup: Page) -> None:
        # The manager's task, not the page's: a page that is closed takes its own tasks with it.
        self._manager.adopt(popup, self)

    def _on_navigated(self, frame: Frame) -> None:
        if frame != self._page.main_frame:
            return
        self._travel.arrived()
        self._captures.wake()
        scheme = urlsplit(frame.url).scheme
        if scheme not in ("http", "https", "about", "blob", "chrome-error"):
            self.tell("refused", f"the page went to {scheme}:, which is not shown")
            self._own(self._leave(), "leaves a page")

    async def _leave(self) -> None:
        try:
            await self._bridge.within(self._page.goto("about:blank"), GOTO_LIMIT_S, "leaving a page")
        except BrowsingError:
            self._bridge.end(PageClosedError("page: it went where no page may go"))

    def _on_gone(self) -> None:
        self._captures.wake()
        self._manager.close_soon(self)
