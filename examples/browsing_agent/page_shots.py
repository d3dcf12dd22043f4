"""Full pictures of one page: one at a time, none sooner than the page can bear, the latest one is kept."""

from __future__ import annotations

import asyncio
import base64
import io
import time
from typing import TYPE_CHECKING

from PIL import Image

from examples.browsing_agent.browsing_errors import BrowsingError
from examples.browsing_agent.capture_types import Capture

if TYPE_CHECKING:
    from collections.abc import Callable

    from examples.browsing_agent.capture_types import CaptureLimits, Statistics
    from examples.browsing_agent.page_bridge import PageBridge

MAX_FAILURES = 20


class PageShots:
    """`run` makes what `want` sees to, while `wanted`; `made` is called for each picture that shows something new."""

    def __init__(
        self,
        bridge: PageBridge,
        limits: CaptureLimits,
        statistics: Statistics,
        *,
        wanted: Callable[[], bool],
        made: Callable[[], None],
    ) -> None:
        self.latest: Capture | None = None
        self._bridge = bridge
        self._limits = limits
        self._statistics = statistics
        self._wanted = wanted
        self._made = made
        self._due_s: float | None = None
        self._began_s = self._took_s = 0.0
        self._rescheduled = asyncio.Event()
        self._lock = asyncio.Lock()

    @property
    def at_rest(self) -> bool:
        return self._due_s is None and not self._lock.locked()

    def want(self, interval_s: float | None = None) -> None:
        """Sees to a capture, `interval_s` after the last one or later."""
        interval_s = self._limits.capture_interval_s if interval_s is None else interval_s
        # A page that takes long to draw has a third of the time for itself.
        due_s = max(time.monotonic(), self._began_s + max(interval_s, 1.5 * self._took_s))
        if self._due_s is None or due_s < self._due_s:
            self._due_s = due_s
            self._rescheduled.set()

    async def run(self) -> None:
        """Until the page is gone."""
        failures = 0
        while self._bridge.failure is None:
            wait_s = None if self._due_s is None else self._due_s - time.monotonic()
            if wait_s is None or wait_s > 0:
                self._rescheduled.clear()
                try:
                    async with asyncio.timeout(wait_s):
                        await self._rescheduled.wait()
                except TimeoutError:
                    pass
                continue
            self._due_s = None  # a change from here on leads to one more
            if not self._wanted():
                continue
            try:
                await self.shoot()
                failures = 0
            except BrowsingError:
                failures += 1
                if failures < MAX_FAILURES:  # in the middle of a navigation there is nothing to capture
                    self.want(self._limits.answer_s)

    async def shoot(self) -> Capture:
        """What the page looks like now.

        Raises `PageClosedError`, `PageCrashedError`, `PageTimeoutError`.
        """
        async with self._lock:
            began_s = self._began_s = time.monotonic()
            options = {"format": "jpeg", "quality": self._limits.quality, "optimizeForSpeed": True}
            try:
                answer = await self._bridge.send("Page.captureScreenshot", options, limit_s=self._limits.shot_s)
            except BrowsingError:
                self._statistics.failures += 1
                raise
            jpeg, size = await asyncio.to_thread(_picture, answer["data"])
            self._took_s = time.monotonic() - began_s
            self._statistics.captures += 1
            self._statistics.bytes += len(jpeg)
            if self.latest is not None and self.latest.jpeg == jpeg:
                self._statistics.repeats += 1
                return self.latest
            number = self.latest.number + 1 if self.latest else 1
            self.latest = Capture(jpeg, size, began_s, number)
            self._made()
            return self.latest


def _picture(data: str) -> tuple[bytes, tuple[int, int]]:
    jpeg = base64.b64decode(data)
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:  # reads the header only
        return jpeg, image.size
