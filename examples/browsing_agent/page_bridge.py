"""The way into one page: commands with a limit each, and a script in a world of its own that the page cannot reach."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from playwright.async_api import Error
from playwright.async_api import TimeoutError as PlaywrightTimeoutError

from examples.browsing_agent.browsing_errors import (
    BrowsingError,
    NavigationError,
    PageClosedError,
    PageCrashedError,
    PageTimeoutError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from playwright.async_api import CDPSession, Page

    Result = TypeVar("Result")

WORLD = "browsing"
CALL_LIMIT_S = 5.0
COUNT_LIMIT_S = 1.0
STOP_LIMIT_S = 1.0
SCRIPT = Path(__file__).with_name("page_script.js").read_text(encoding="utf-8")


class PageBridge:
    """Nothing that is asked here waits for longer than its limit, nor for a page that is gone."""

    def __init__(self, page: Page, session: CDPSession) -> None:
        self._page = page
        self._session = session
        self._gone: asyncio.Future[BrowsingError] = asyncio.get_running_loop().create_future()
        self._installing = f"({SCRIPT})()"
        self._world: int | None = None
        page.on("crash", lambda _: self.end(PageCrashedError("page: its renderer crashed; open it again")))
        page.on("close", lambda _: self.end(PageClosedError("page: it is closed")))

    @property
    def failure(self) -> BrowsingError | None:
        """Why there is no page any more."""
        return self._gone.result() if self._gone.done() else None

    def end(self, why: BrowsingError) -> None:
        """The first reason counts."""
        if not self._gone.done():
            self._gone.set_result(why)

    def on_end(self, told: Callable[[], None]) -> None:
        self._gone.add_done_callback(lambda _: told())

    def on(self, event: str, handler: Callable[[dict[str, Any]], None]) -> None:
        self._session.on(event, handler)

    async def stop_scripts(self) -> None:
        """Ends what runs in the page just now: a script without end would keep its process, and pages share those."""
        await finished_or_left(self._session.send("Runtime.terminateExecution"), STOP_LIMIT_S)

    async def install(self) -> None:
        """The script for this document and for all that follow."""
        await self.send("Page.enable", {})
        options = {"source": self._installing, "worldName": WORLD, "runImmediately": True}
        await self.send("Page.addScriptToEvaluateOnNewDocument", options)

    async def send(self, method: str, options: dict[str, Any], *, limit_s: float | None = None) -> dict[str, Any]:
        """One command of the browser's protocol; without a limit of its own `CALL_LIMIT_S`."""
        return await self.within(self._session.send(method, options), limit_s or CALL_LIMIT_S, method)

    async def call(self, name: str, *arguments: object) -> Any:
        """A function of `page_script.js`, with and to plain data."""
        world = await self._made_world()
        given = ", ".join(json.dumps(each) for each in arguments)
        options = {
            "expression": f"{self._installing}; globalThis.browsing.{name}({given})",
            "contextId": world,
            "returnByValue": True,
            "userGesture": True,
        }
        answer = await self.send("Runtime.evaluate", options)
        if "exceptionDetails" in answer:
            raise BrowsingError(f"page: {name} failed in it")
        return answer["result"].get("value")

    async def content_count(self) -> int | None:
        """How often the page's content changed or was scrolled, so another number means that it did. None: no answer.

        Asked for and not told: a page that changes all the time cannot flood anybody.
        """
        if self._world is None:
            self._world = await self._made_world()
        options = {"expression": "globalThis.browsing?.count()", "contextId": self._world, "returnByValue": True}
        try:
            answer = await self.send("Runtime.evaluate", options, limit_s=COUNT_LIMIT_S)
        except BrowsingError:
            self._world = None  # of a document that is gone
            return None
        return answer["result"].get("value")

    async def _made_world(self) -> int:
        """The one that the script runs in, of the document that is there now."""
        tree = await self.send("Page.getFrameTree", {})
        frame = tree["frameTree"]["frame"]["id"]
        world = await self.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": WORLD})
        return int(world["executionContextId"])

    async def within(self, work: Coroutine[Any, Any, Result], limit_s: float, what: str) -> Result:
        """Raises `PageTimeoutError`, `PageClosedError`, `PageCrashedError`, or `NavigationError` for what the browser
        refuses, in its words."""
        if self.failure is not None:
            work.close()
            raise self.failure
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait({task, self._gone}, timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise self.failure or PageTimeoutError(f"page: {what} took longer than {limit_s:g} s")
        except PlaywrightTimeoutError:
            raise PageTimeoutError(f"page: {what} took longer than {limit_s:g} s") from None
        except Error as error:
            if self.failure is not None:
                raise self.failure from None
            if self._page.is_closed():
                raise PageClosedError("page: it is closed") from None
            raise NavigationError(f"page: {what}: {error.message.splitlines()[0][:200]}") from None
        finally:
            await _given_up(task)


async def finished_or_left(work: Coroutine[Any, Any, object], limit_s: float) -> bool:
    """Whether it ended in time, be it with an error."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=limit_s)
        return task.done()
    finally:
        await _given_up(task)


async def _given_up(task: asyncio.Future[Any]) -> None:
    if not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
    if task.done() and not task.cancelled():
        task.exception()  # seen: nobody else asks for it
