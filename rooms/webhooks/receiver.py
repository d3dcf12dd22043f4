"""LiveKit's webhooks: what comes is verified, answered at once, and told to who wants to know.

What livekit-server does (1.13.5): it sends a room's events one after the other, each with a token that is good for five
minutes, and waits for the answer without a limit of its own; after a lost connection, a 429 or a 5xx it repeats four
times within about 15 s, as it does when its own connection broke after we had answered. An event that has waited for
30 s behind others is dropped. So: answer fast; 4xx for what will never be right; 503 only for what may be sent again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from aiohttp import web
from livekit import api

from rooms.replies import Refusal, read_body
from rooms.webhooks.delivery import Delivery
from rooms.webhooks.memory import Ended, Seen
from rooms.webhooks.verify import Forged, Malformed, read_event, signed_hash
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms.tokens import ApiKey
    from rooms.webhooks.delivery import Subscriber

PATH = "/webhook"
CONTENT_TYPE = "application/webhook+json"
MOST_BYTES = 512 * 1024
"""Metadata of a room and of a participant may have 64 kB each, and JSON writes some characters as six."""
MAX_AGE_S = 120.0
"""More than the server's longest: 30 s in its queue, and four repetitions."""
LEEWAY_S = 60.0
"""How far the clocks of LiveKit and of this machine may be apart."""
MOST_ON_THE_WAY = 1_000
SUBSCRIBER_LIMIT_S = 10.0
DRAIN_S = 5.0
TELL_EACH_S = 10.0

log = get_logger("webhooks")


@dataclass
class WebhookStats:
    """Requests by what became of them; `failed`: a subscriber lost an event; `dropped`: LiveKit says it did."""

    taken: int = 0
    repeats: int = 0
    late: int = 0
    overtaken: int = 0
    forged: int = 0
    malformed: int = 0
    refused_full: int = 0
    failed: int = 0
    dropped: int = 0


class Webhooks:
    """One for the process, and a route for it:

        async with Webhooks(key) as hooks:
            hooks.subscribe(keeper.on_event)
            app.router.add_post("/webhook", hooks.handle)

    Each event is handed on once, though LiveKit may send it several times, and those of a room in the order in which
    they came. Taken but not handed on are events older than `max_age_s` (replayed, or told of too late to be true) and
    beginnings whose end came before them (see `rooms.webhooks.memory.Ended`). What is taken and not handed on yet is
    lost when the process is killed: who needs the truth compares with LiveKit's lists from time to time.

    Answers: 200 for all of these, so that LiveKit does not repeat them; 401 forged or expired, 400 signed but no event,
    413 too large, 415 another content type, 503 too many are on their way or the receiver is not running (LiveKit
    repeats it).
    """

    def __init__(
        self,
        key: ApiKey,
        *,
        max_age_s: float = MAX_AGE_S,
        most_on_the_way: int = MOST_ON_THE_WAY,
        subscriber_limit_s: float = SUBSCRIBER_LIMIT_S,
        drain_s: float = DRAIN_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._verifier = api.TokenVerifier(key.key, key.secret, leeway=timedelta(seconds=LEEWAY_S))
        self._max_age_s = max_age_s
        self._drain_s = drain_s
        self._clock = clock
        self._seen = Seen(max_age_s + LEEWAY_S)
        self._ended = Ended()
        self._delivery = Delivery(most=most_on_the_way, limit_s=subscriber_limit_s)
        self._stats = WebhookStats()
        self._told_at_s = -TELL_EACH_S
        self._running = False

    def __repr__(self) -> str:
        return f"<Webhooks {self._delivery.on_the_way} on the way, {len(self._seen)} remembered>"

    @property
    def stats(self) -> WebhookStats:
        """The counts of now."""
        self._stats.failed = self._delivery.failed
        return self._stats

    async def __aenter__(self) -> Self:
        self._running = True
        return self

    async def __aexit__(self, *_: object) -> None:
        """Take nothing more, and hand on what is there."""
        self._running = False
        await self._delivery.aclose(self._drain_s)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have `await subscriber(event)` done for each event from now on; returns what ends that.

        Events of one room come one after the other, events of several rooms at the same time.
        """
        self._delivery.subscribers.append(subscriber)

        def end() -> None:
            if subscriber in self._delivery.subscribers:
                self._delivery.subscribers.remove(subscriber)

        return end

    async def handle(self, request: web.Request) -> web.Response:
        """The route's handler, for POST."""
        try:
            return web.json_response({"status": await self._take(request)})
        except Refusal as error:
            return error.response()

    async def _take(self, request: web.Request) -> str:
        try:
            # Before the body: who has no key cannot make us read one.
            digest = signed_hash(request.headers.get("Authorization", ""), self._verifier)
            if request.content_type != CONTENT_TYPE:
                raise Refusal(
                    415,
                    f"Content-Type: must be {CONTENT_TYPE}",
                    field="Content-Type",
                    value=request.content_type[:80],
                    allowed=CONTENT_TYPE,
                )
            event = read_event(await read_body(request, limit=MOST_BYTES), digest)
        except Forged as error:
            self._stats.forged += 1
            self._tell("a webhook is not LiveKit's", str(error), request)
            raise Refusal(401, f"Authorization: {error}") from None
        except Malformed as error:
            self._stats.malformed += 1
            self._tell("a webhook cannot be read", str(error), request)
            raise Refusal(400, f"body: {error}") from None
        return self._judge(event)

    def _judge(self, event: api.WebhookEvent) -> str:
        now_s = self._clock()
        if event.created_at > now_s + LEEWAY_S:
            self._stats.malformed += 1
            raise Refusal(400, "createdAt: in the future; the clocks of LiveKit and of this machine differ")
        if event.created_at < now_s - self._max_age_s:
            self._stats.late += 1
            return "late"
        if event.id in self._seen:
            self._stats.repeats += 1
            return "repeat"
        if not self._running or self._delivery.full:
            self._stats.refused_full += 1
            raise Refusal(503, "busy: send it again", headers={"Retry-After": "1"})
        self._seen.add(event.id, now_s)
        self._stats.dropped += event.num_dropped
        if self._ended.overtook(event):
            self._stats.overtaken += 1
            return "overtaken"
        self._ended.note(event)
        self._stats.taken += 1
        self._delivery.add(event)
        return "taken"

    def _tell(self, what: str, why: str, request: web.Request) -> None:
        """Seldom: anybody can send these, as fast as they like."""
        now_s = time.monotonic()
        if now_s - self._told_at_s >= TELL_EACH_S:
            self._told_at_s = now_s
            log.warning(
                what, why=why, address=request.remote, forged=self._stats.forged, malformed=self._stats.malformed
            )
