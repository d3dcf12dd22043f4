"""Events on their way to who wants them: one after the other within a room, rooms side by side."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from livekit import api

    Subscriber = Callable[[api.WebhookEvent], Awaitable[None]]

log = get_logger("webhooks")


class Delivery:
    """Hands each event to all subscribers at once; the next event of its room waits for them, `limit_s` at most.

    One that fails or takes longer is logged and loses that event; the others have it. `most` events may be on their
    way.
    """

    def __init__(self, *, most: int, limit_s: float) -> None:
        self.subscribers: list[Subscriber] = []
        self.failed = 0
        self._most = most
        self._limit_s = limit_s
        self._queues: dict[str, deque[api.WebhookEvent]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._on_the_way = 0

    @property
    def on_the_way(self) -> int:
        return self._on_the_way

    @property
    def full(self) -> bool:
        return self._on_the_way >= self._most

    def add(self, event: api.WebhookEvent) -> None:
        """Returns at once."""
        self._on_the_way += 1
        key = event.room.name or event.egress_info.egress_id or event.ingress_info.ingress_id
        if key in self._queues:
            self._queues[key].append(event)
            return
        self._queues[key] = deque([event])
        task = asyncio.create_task(self._deliver_all(key))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self, drain_s: float) -> None:
        """Wait for what is on its way, `drain_s` at most; the rest is dropped, and said so."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=drain_s)
        if self._on_the_way:
            log.warning("webhook events dropped at the end", events=self._on_the_way)
        left = [*self._tasks]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _deliver_all(self, key: str) -> None:
        queue = self._queues[key]
        try:
            while queue:
                event = queue.popleft()
                await asyncio.gather(*(self._deliver(each, event) for each in [*self.subscribers]))
                self._on_the_way -= 1
        finally:
            del self._queues[key]

    async def _deliver(self, subscriber: Subscriber, event: api.WebhookEvent) -> None:
        name = getattr(subscriber, "__qualname__", type(subscriber).__name__)
        try:
            async with asyncio.timeout(self._limit_s):
                await subscriber(event)
        except TimeoutError:
            self.failed += 1
            log.warning(
                "a subscriber to webhooks took too long", subscriber=name, event_id=event.id, limit_s=self._limit_s
            )
        except Exception:  # whatever a subscriber does, the others have the event
            self.failed += 1
            log.exception("a subscriber to webhooks failed", subscriber=name, kind=event.event, event_id=event.id)
