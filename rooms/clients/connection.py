"""One client of the pool: its own HTTP connection that stays open, its figures, and how its requests get through."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import aiohttp
from livekit import api
from livekit.api.twirp_client import TwirpClient
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, stop_after_delay, wait_random_exponential

from rooms.clients.client import PACKAGE, PooledClient, Request
from rooms.clients.errors import NotReached
from rooms.clients.figures import ConnectionStats, Figures, State
from rooms.clients.look import small_question
from rooms.clients.repetition import FAILURES, may_be_sent_again, no_answer
from rooms.clients.sockets import counted, uncounted

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms.clients.authorization import Authorization
    from rooms.clients.endpoint import Endpoint
    from rooms.clients.endpoints import Endpoints
    from rooms.performance.sections import ConnectionPool
    from rooms.tokens import ApiKey

# livekit-api's own limit for a request.
REQUEST_LIMIT_S = 10.0
CONNECT_LIMIT_S = 3.0
FIRST_REPEAT_S = 0.1
# A connection that is looked at every interval must not be closed for want of use in between.
KEPT_INTERVALS = 2.0


class Connection:
    """`lk` is lent; `look` keeps it alive. A session of its own: 10 of them and one shared connector are as fast,
    and so each has figures of its own, and none waits for another.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        api_key: ApiKey,
        authorization: Authorization,
        settings: ConnectionPool,
        on_connect: Callable[[], None] = uncounted,
    ) -> None:
        self.figures = Figures()
        self.kept_for_s = settings.health_interval_s
        self.settings = settings
        self.answered_at_s = self.lent_at_s = time.monotonic()
        self._endpoints = endpoints
        self._url = endpoints.all[0].url
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=0,
                keepalive_timeout=KEPT_INTERVALS * self.kept_for_s,
                socket_factory=counted(self.figures.connects, on_connect),
            ),
            timeout=aiohttp.ClientTimeout(total=REQUEST_LIMIT_S, sock_connect=CONNECT_LIMIT_S),
        )
        self._ways: dict[str, TwirpClient] = {}
        self.lk = PooledClient(self._url, api_key, authorization, self.session, self.send)

    def __repr__(self) -> str:
        return f"<Connection {self.state.value} {self._url}>"

    @property
    def state(self) -> State:
        if self.session.closed:
            return State.DISCONNECTED
        if self.figures.broken:
            return State.FAILED if self._endpoints.state is State.FAILED else State.RECONNECTING
        if self.figures.average_ms is not None:
            return State.CONNECTED
        return State.CONNECTING if self.figures.handshakes else State.DISCONNECTED

    def stats(self) -> ConnectionStats:
        told = self.figures
        return ConnectionStats(
            self._url,
            self.state,
            told.requests,
            told.failures,
            told.average_ms,
            told.last_ms,
            told.reconnects,
            told.handshakes,
        )

    async def send(self, request: Request) -> Any:
        """LiveKit's answer. Sent again where that may be, within the request's time and `max_attempts`."""
        limit_s = (request.timeout.total if request.timeout else None) or REQUEST_LIMIT_S
        until_s = time.monotonic() + limit_s
        try:
            return await self._send_once(request, until_s)
        except FAILURES as error:
            return await self._send_again(request, until_s, error)

    async def look(self, limit_s: float) -> None:
        """Ask something small, so that the connection stays open. Never raises what LiveKitAPI raises."""
        if self._endpoints.best is None:
            return
        try:
            async with asyncio.timeout(limit_s):
                await self.lk.room.list_rooms(small_question())
        except FAILURES:
            return

    async def aclose(self) -> None:
        """Ends what is under way. Any number of times."""
        await self.session.close()

    async def _send_again(self, request: Request, until_s: float, failed: Exception) -> Any:
        """After the first attempt has `failed`. To go through here at once would cost every request 0.2 ms."""
        async for attempt in AsyncRetrying(
            stop=stop_after_attempt(self.settings.max_attempts) | stop_after_delay(until_s - time.monotonic()),
            # Spread, for the connections of others broke in the same moment.
            wait=wait_random_exponential(multiplier=FIRST_REPEAT_S, max=self.settings.base_delay_s),
            retry=retry_if_exception(lambda error: _again(request, error)),
            reraise=True,
        ):
            with attempt:
                if attempt.retry_state.attempt_number == 1:
                    raise failed
                return await self._send_once(request, until_s)
        raise AssertionError("the loop returns or raises")

    async def _send_once(self, request: Request, until_s: float) -> Any:
        endpoint = self._endpoints.best or await self._wait_for_one(until_s)
        if self.session.closed:
            raise NotReached("the pool of clients is closed")
        way = self._way_to(endpoint)
        sent_at_s = time.monotonic()
        try:
            answer = await request.send(way)
        except FAILURES as error:
            self._judge(error, endpoint, sent_at_s)
            raise
        self._answered(endpoint, sent_at_s)
        return answer

    async def _wait_for_one(self, until_s: float) -> Endpoint:
        try:
            return await self._endpoints.choose(until_s - time.monotonic())
        except NotReached:
            self.figures.failed()
            raise

    def _judge(self, error: Exception, endpoint: Endpoint, sent_at_s: float) -> None:
        if no_answer(error):
            self.figures.failed()
            endpoint.doubt(error, sent_at_s=sent_at_s)
        elif isinstance(error, api.ServerError) and error.status >= 500:
            self.figures.failed()
        else:
            self._answered(endpoint, sent_at_s)

    def _answered(self, endpoint: Endpoint, sent_at_s: float) -> None:
        now_s = time.monotonic()
        self.figures.answered((now_s - sent_at_s) * 1000)
        self.answered_at_s = endpoint.answered_at_s = now_s

    def _way_to(self, endpoint: Endpoint) -> TwirpClient:
        self._url = endpoint.url
        way = self._ways.get(endpoint.url)
        if way is None:
            way = self._ways[endpoint.url] = TwirpClient(self.session, endpoint.url, PACKAGE, failover=False)
        return way


def _again(request: Request, error: BaseException) -> bool:
    return isinstance(error, Exception) and may_be_sent_again(request.service, request.method, error)
