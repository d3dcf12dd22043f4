"""Small pictures of a page, sent when it has painted something: each says whether there is a reason for a full one.

A page at rest sends none and costs nothing. A page that paints all the time would be copied for each frame, and what
it paints while a picture is on its way is lost: it has two of them under way and no more. So the browser is told to
stop with each picture and asked again a moment later, until it sends a single one that is as the one before. Then it
sends what it paints.
"""

from __future__ import annotations

import asyncio
import base64
import time
from typing import TYPE_CHECKING, Any, Protocol

from examples.browsing_agent.browsing_errors import BrowsingError
from examples.browsing_agent.picture_hash import Change, PictureWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from examples.browsing_agent.capture_types import CaptureLimits, Statistics
    from examples.browsing_agent.page_bridge import PageBridge

SETTLED_S = 1.0
"""A part that moved is at rest if nothing has changed for so long."""
ASK_INTERVAL_S = 0.25
"""How often a page is asked for its content when the picture leaves doubt."""


class Want(Protocol):
    """Sees to a full capture, `interval_s` after the last one or later; None: the shortest."""

    def __call__(self, interval_s: float | None = None) -> None: ...


class PageLooks:
    """`run` looks at one page while `wanted`, and calls `want` where that is worth it."""

    def __init__(
        self,
        bridge: PageBridge,
        viewport: tuple[int, int],
        limits: CaptureLimits,
        statistics: Statistics,
        *,
        wanted: Callable[[], bool],
        want: Want,
    ) -> None:
        self._bridge = bridge
        self._viewport = viewport
        self._limits = limits
        self._statistics = statistics
        self._wanted = wanted
        self._want = want
        self._watch = PictureWatch()
        self._casting = self._idle = False
        self._frame: str | None = None
        self._sent: list[int] = []
        self._changed_s = 0.0
        self._content: int | None = None
        self._asked_s = 0.0
        self._news = asyncio.Event()

    @property
    def at_rest(self) -> bool:
        """Nothing that was painted is waiting for a look."""
        return self._idle and not self._news.is_set() and self._wanted() == self._casting

    def wake(self) -> None:
        """It is wanted now, or no longer, or the page is another one."""
        self._news.set()

    def _on_frame(self, event: dict[str, Any]) -> None:
        self._frame = event["data"]
        self._sent.append(event["sessionId"])
        self._statistics.look_bytes += len(event["data"]) * 3 // 4
        self._news.set()

    async def _ask(self) -> None:
        """Whether the page's content changed, or it was scrolled, since it was asked last."""
        self._asked_s = time.monotonic()
        self._statistics.asked += 1
        try:
            content = await self._bridge.content_count()
        except BrowsingError:
            return
        if content is not None and content != self._content:
            self._content = content
            self._watch.accept()
            self._want()

    async def run(self) -> None:
        """Until the page is gone."""
        self._bridge.on("Page.screencastFrame", self._on_frame)
        doubt = False
        while self._bridge.failure is None:
            if not self._wanted():
                await self._rest()
                continue
            asked = not self._casting
            if asked:
                await self._cast()
            self._idle = not asked
            try:
                async with asyncio.timeout(self._limits.answer_s if asked else None):
                    await self._news.wait()
            except TimeoutError:
                self._want()  # no answer: a capture instead
                continue
            self._idle = False
            self._news.clear()
            if self._frame is None:
                continue
            change = await self._look()
            doubt = doubt or change in (Change.FAINT, Change.RESTLESS)
            if doubt and time.monotonic() - self._asked_s >= ASK_INTERVAL_S:
                doubt = False
                await self._ask()
            if asked and change is Change.NONE and len(self._sent) == 1:
                await self._tell("Page.screencastFrameAck", {"sessionId": self._sent[0]})
                continue  # the page is as it was: what it paints next comes by itself
            await self._stop_cast()
            calm = change in (Change.FAINT, Change.RESTLESS)
            await asyncio.sleep(self._limits.calm_interval_s if calm else self._limits.look_interval_s)

    async def _rest(self) -> None:
        if self._casting:
            await self._stop_cast()
        self._news.clear()
        self._idle = True
        await self._news.wait()
        self._idle = False

    async def _look(self) -> Change:
        frame, self._frame = self._frame or "", None
        now_s = time.monotonic()
        if now_s - self._changed_s > SETTLED_S:
            self._watch.settle()
        # Calls are on this loop; what decodes pictures takes a quarter of a second when it is used first.
        change, cpu_s = await asyncio.to_thread(_seen, self._watch, frame)
        self._statistics.cpu_s += cpu_s
        self._statistics.looks += 1
        if change is not Change.NONE:
            self._changed_s = now_s
        if change is Change.CHANGED:
            self._want()
        elif change is Change.RESTLESS:
            self._want(self._limits.restless_interval_s)
        return change

    async def _cast(self) -> None:
        """The browser sends the page as it is now, then what it paints."""
        width = self._limits.small_width
        height = max(1, round(width * self._viewport[1] / self._viewport[0]))
        quality = self._limits.small_quality
        self._frame = None
        self._sent.clear()
        self._news.clear()
        self._casting = True
        options = {"format": "jpeg", "quality": quality, "maxWidth": width, "maxHeight": height}
        await self._tell("Page.startScreencast", options)

    async def _stop_cast(self) -> None:
        self._casting = False
        await self._tell("Page.stopScreencast", {})

    async def _tell(self, method: str, options: dict[str, Any]) -> None:
        try:
            await self._bridge.send(method, options, limit_s=self._limits.shot_s)
        except BrowsingError:
            self._statistics.failures += 1


def _seen(watch: PictureWatch, frame: str) -> tuple[Change, float]:
    """With the seconds of CPU that it took."""
    began_s = time.thread_time()
    try:
        change = watch.look(base64.b64decode(frame))
    except ValueError:
        change = Change.CHANGED  # what cannot be compared is captured
    return change, time.thread_time() - began_s
