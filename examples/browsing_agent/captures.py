"""Captures of a page by its content: a full one is made when a small picture of the page says that there is a reason.

The browser sends the small picture when it has painted something, and at no other time: a page at rest costs nothing.
A page that paints all the time would be copied for each frame, and what it paints while a picture is on its way is
lost: it has two of them under way and no more. So the browser is told to stop with each picture and asked again a
moment later, until it sends a single one that is as the one before. Then it sends what it paints.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PIL import Image

from examples.browsing_agent.browsing_errors import BrowsingError, PageClosedError
from examples.browsing_agent.picture_hash import Change, PictureWatch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from examples.browsing_agent.page_bridge import PageBridge

SETTLED_S = 1.0
"""A part that moved is at rest if nothing has changed for so long."""
ASK_INTERVAL_S = 0.25
"""How often a page is asked for its content when the picture leaves doubt."""
MAX_FAILURES = 20


@dataclass(frozen=True)
class CaptureLimits:
    """How often. The sum of look and capture interval is what a caller waits at worst on a page that never rests."""

    look_interval_s: float = 0.1
    capture_interval_s: float = 0.15
    restless_interval_s: float = 2.0
    """For a page on which only a small part keeps moving."""
    calm_interval_s: float = 0.12
    """Between looks, while what changes is a small part or too faint to see."""
    answer_s: float = 1.0
    """How long a look that was asked for may take; then a capture is made without it."""
    shot_s: float = 10.0
    small_width: int = 320
    small_quality: int = 60
    quality: int = 70

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name}: {value}; allowed: above 0")
        for name in ("small_quality", "quality"):
            if getattr(self, name) > 100:
                raise ValueError(f"{name}: {getattr(self, name)}; allowed: 1 to 100")


@dataclass(frozen=True)
class Capture:
    """What the page looked like. `number` counts the captures of a page from 1."""

    jpeg: bytes
    size: tuple[int, int]
    """Width and height in pixels."""
    at_s: float
    """`time.monotonic()` before the picture was taken: it shows nothing older."""
    number: int

    def rgba(self) -> bytes:
        """Four bytes a pixel, row by row. Takes some milliseconds: call it in a thread."""
        with Image.open(io.BytesIO(self.jpeg), formats=("JPEG",)) as image:
            return image.convert("RGBA").tobytes()


@dataclass
class Statistics:
    """Since the page was opened."""

    looks: int = 0
    """Small pictures that came."""
    asked: int = 0
    """How often the page itself was asked, because the picture left doubt."""
    captures: int = 0
    """Full pictures taken."""
    repeats: int = 0
    """Full pictures that showed nothing new, and were not handed on."""
    failures: int = 0
    bytes: int = 0
    """Of full pictures."""
    look_bytes: int = 0
    """Of small pictures."""
    cpu_s: float = 0.0
    """What this process spent on decoding and comparing; for the browser see `BrowserManager.cpu_s`."""


class PageCaptures:
    """The captures of one page, while somebody wants them. At most one is under way, one is kept."""

    def __init__(self, bridge: PageBridge, viewport: tuple[int, int], limits: CaptureLimits) -> None:
        self.statistics = Statistics()
        self.latest: Capture | None = None
        self._bridge = bridge
        self._limits = limits
        self._viewport = viewport
        self._watch = PictureWatch()
        self._wanted_by = 0
        self._casting = self._idle = False
        self._frame: str | None = None
        self._sent: list[int] = []
        self._changed_s = 0.0
        self._content: int | None = None
        self._asked_s = 0.0
        self._due_s: float | None = None
        self._shot_began_s = self._shot_took_s = 0.0
        self._look_event, self._shot_event, self._news = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._shot_lock = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._bridge.on("Page.screencastFrame", self._on_frame)
        self._tasks = [
            asyncio.create_task(self._look_on(), name="looks at a page"),
            asyncio.create_task(self._shoot_on(), name="captures of a page"),
        ]

    async def stop(self) -> None:
        """Twice is allowed."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._news.set()

    @property
    def statistics_now(self) -> Statistics:
        """A copy."""
        return replace(self.statistics)

    @property
    def at_rest(self) -> bool:
        """Nothing is under way, and nothing that was painted is waiting for a look."""
        busy = self._look_event.is_set() or self._shot_lock.locked() or bool(self._wanted_by) != self._casting
        return self._idle and self._due_s is None and not busy

    async def changes(self) -> AsyncGenerator[Capture]:
        """The latest capture, then each newer one; a slow reader misses those between. Ends when the page is closed.

        Raises `PageCrashedError` if its renderer is gone.
        """
        seen = 0
        self._wanted_by += 1
        self._look_event.set()
        try:
            while True:
                while self.latest is None or self.latest.number == seen:
                    gone = self._bridge.failure
                    if gone is not None:
                        if type(gone) is PageClosedError:
                            return
                        raise gone
                    self._news.clear()
                    await self._news.wait()
                seen = self.latest.number
                yield self.latest
        finally:
            self._wanted_by -= 1
            self._look_event.set()

    async def capture(self) -> Capture:
        """What the page looks like now.

        Raises `PageClosedError`, `PageCrashedError`, `PageTimeoutError`.
        """
        return await self._shoot()

    def want(self, interval_s: float | None = None) -> None:
        """Sees to a capture, `interval_s` after the last one or later."""
        interval_s = self._limits.capture_interval_s if interval_s is None else interval_s
        # A page that takes long to draw has a third of the time for itself.
        due_s = max(time.monotonic(), self._shot_began_s + max(interval_s, 1.5 * self._shot_took_s))
        if self._due_s is None or due_s < self._due_s:
            self._due_s = due_s
            self._shot_event.set()

    def wake(self) -> None:
        """The page is gone, or another one is there."""
        self._news.set()
        self._look_event.set()
        if self._wanted_by:
            self.want()

    def _on_frame(self, event: dict[str, Any]) -> None:
        self._frame = event["data"]
        self._sent.append(event["sessionId"])
        self.statistics.look_bytes += len(event["data"]) * 3 // 4
        self._look_event.set()

    async def _ask(self) -> None:
        """Whether the page's content changed, or it was scrolled, since it was asked last."""
        self._asked_s = time.monotonic()
        self.statistics.asked += 1
        try:
            content = await self._bridge.content_count()
        except BrowsingError:
            return
        if content is not None and content != self._content:
            self._content = content
            self._watch.accept()
            self.want()

    async def _look_on(self) -> None:
        doubt = False
        while self._bridge.failure is None:
            if not self._wanted_by:
                await self._rest()
                continue
            asked = not self._casting
            if asked:
                await self._cast()
            self._idle = not asked
            try:
                async with asyncio.timeout(self._limits.answer_s if asked else None):
                    await self._look_event.wait()
            except TimeoutError:
                self.want()  # no answer: a capture instead
                continue
            self._idle = False
            self._look_event.clear()
            if self._frame is None:
                continue
            change = self._look()
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
        self._look_event.clear()
        self._idle = True
        await self._look_event.wait()
        self._idle = False

    def _look(self) -> Change:
        frame, self._frame = self._frame, None
        began_s, now_s = time.thread_time(), time.monotonic()
        if now_s - self._changed_s > SETTLED_S:
            self._watch.settle()
        try:
            change = self._watch.look(base64.b64decode(frame or ""))
        except (ValueError, binascii.Error):
            change = Change.CHANGED  # what cannot be compared is captured
        self.statistics.cpu_s += time.thread_time() - began_s
        self.statistics.looks += 1
        if change is not Change.NONE:
            self._changed_s = now_s
        if change is Change.CHANGED:
            self.want()
        elif change is Change.RESTLESS:
            self.want(self._limits.restless_interval_s)
        return change

    async def _cast(self) -> None:
        """The browser sends the page as it is now, then what it paints."""
        width = self._limits.small_width
        height = max(1, round(width * self._viewport[1] / self._viewport[0]))
        quality = self._limits.small_quality
        self._frame = None
        self._sent.clear()
        self._look_event.clear()
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
            self.statistics.failures += 1

    async def _shoot_on(self) -> None:
        failures = 0
        while self._bridge.failure is None:
            wait_s = None if self._due_s is None else self._due_s - time.monotonic()
            if wait_s is None or wait_s > 0:
                self._shot_event.clear()
                try:
                    async with asyncio.timeout(wait_s):
                        await self._shot_event.wait()
                except TimeoutError:
                    pass
                continue
            self._due_s = None  # a change from here on leads to one more
            if not self._wanted_by:
                continue
            try:
                await self._shoot()
                failures = 0
            except BrowsingError:
                failures += 1
                if failures < MAX_FAILURES:  # in the middle of a navigation there is nothing to capture
                    self.want(self._limits.answer_s)

    async def _shoot(self) -> Capture:
        async with self._shot_lock:
            began_s = self._shot_began_s = time.monotonic()
            options = {"format": "jpeg", "quality": self._limits.quality, "optimizeForSpeed": True}
            try:
                answer = await self._bridge.send("Page.captureScreenshot", options, limit_s=self._limits.shot_s)
            except BrowsingError:
                self.statistics.failures += 1
                raise
            jpeg = base64.b64decode(answer["data"])
            self._shot_took_s = time.monotonic() - began_s
            self.statistics.captures += 1
            self.statistics.bytes += len(jpeg)
            if self.latest is not None and self.latest.jpeg == jpeg:
                self.statistics.repeats += 1
                return self.latest
            number = self.latest.number + 1 if self.latest else 1
            self.latest = Capture(jpeg, _size(jpeg), began_s, number)
            self._news.set()
            return self.latest


def _size(jpeg: bytes) -> tuple[int, int]:
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:  # reads the header only
        return image.size
