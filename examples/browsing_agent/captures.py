"""Captures of a page by its content: a full one is made when a small picture says that there is a reason."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from examples.browsing_agent.browsing_errors import PageClosedError
from examples.browsing_agent.capture_types import Statistics
from examples.browsing_agent.page_looks import PageLooks
from examples.browsing_agent.page_shots import PageShots

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from examples.browsing_agent.capture_types import Capture, CaptureLimits
    from examples.browsing_agent.page_bridge import PageBridge


class PageCaptures:
    """The captures of one page, while somebody wants them. At most one is under way, one is kept."""

    def __init__(self, bridge: PageBridge, viewport: tuple[int, int], limits: CaptureLimits) -> None:
        self._bridge = bridge
        self._statistics = Statistics()
        self._wanted_by = 0
        self._news = asyncio.Event()
        self._shots = PageShots(bridge, limits, self._statistics, wanted=self._is_wanted, made=self._news.set)
        self._looks = PageLooks(
            bridge, viewport, limits, self._statistics, wanted=self._is_wanted, want=self._shots.want
        )
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._looks.run(), name="looks at a page"),
            asyncio.create_task(self._shots.run(), name="captures of a page"),
        ]

    async def stop(self) -> None:
        """Twice is allowed."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._news.set()

    @property
    def latest(self) -> Capture | None:
        return self._shots.latest

    @property
    def statistics(self) -> Statistics:
        """A copy."""
        return replace(self._statistics)

    @property
    def at_rest(self) -> bool:
        """Nothing is under way, and nothing that was painted is waiting for a look."""
        return self._looks.at_rest and self._shots.at_rest

    async def changes(self) -> AsyncGenerator[Capture]:
        """The latest capture, then each newer one; a slow reader misses those between. Ends when the page is closed.

        Raises `PageCrashedError` if its renderer is gone.
        """
        seen = 0
        self._wanted_by += 1
        self._looks.wake()
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
            self._looks.wake()

    async def capture(self) -> Capture:
        """What the page looks like now.

        Raises `PageClosedError`, `PageCrashedError`, `PageTimeoutError`.
        """
        return await self._shots.shoot()

    def wake(self) -> None:
        """The page is gone, or another one is there."""
        self._news.set()
        self._looks.wake()
        if self._wanted_by:
            self._shots.want()

    def _is_wanted(self) -> bool:
        return self._wanted_by > 0
