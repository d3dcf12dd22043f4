"""Many ask at once, few requests are made, and no answer is older than its question."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class FreshLook(Generic[T]):
    """`rooms = await look()`: of a request that begins after this call; one runs, and all who come meanwhile share
    the next one. Answers come in the order of their requests.

    Raises what the request raises, to each who shared it. A call that is cancelled leaves the request to the others.
    """

    def __init__(self, request: Callable[[], Awaitable[T]]) -> None:
        self._request = request
        self._running: asyncio.Task[T] | None = None
        self._next: asyncio.Task[T] | None = None

    @property
    def idle(self) -> bool:
        """Nobody asks just now."""
        return self._running is None and self._next is None

    async def __call__(self) -> T:
        if self._next is None:
            self._next = asyncio.create_task(self._run(self._running), name="look at LiveKit")
            self._next.add_done_callback(self._done)
        return await asyncio.shield(self._next)

    async def aclose(self) -> None:
        """Cancel what runs; those who wait are cancelled, too. Any number of times."""
        tasks = [task for task in (self._running, self._next) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self, before: asyncio.Task[T] | None) -> T:
        if before is not None:
            await asyncio.wait([before])
        self._running, self._next = self._next, None
        return await self._request()

    def _done(self, task: asyncio.Task[T]) -> None:
        if self._running is task:
            self._running = None
        if self._next is task:
            self._next = None  # cancelled before it began
        if not task.cancelled():
            task.exception()  # whoever waited has it; if nobody did, it is no news
