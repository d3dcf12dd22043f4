"""The pool of API clients: lent for a few requests, first come, first served, and never left taken."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Self

from rooms.clients.authorization import Authorization
from rooms.clients.connection import Connection
from rooms.clients.endpoint import LOOK_LIMIT_S
from rooms.clients.endpoints import Endpoints
from rooms.clients.errors import NoClient
from rooms.clients.figures import Figures, PoolStats
from rooms.clients.leases import Leases
from rooms.clients.look import look
from rooms.clients.sockets import uncounted
from rooms.performance.sections import ConnectionPool

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence

    from livekit import api

    from rooms.tokens import ApiKey

TICKS = 4
"""So often an interval it is seen who is due: no client is left alone for longer than 1.25 of it."""


class ClientPool:
    """`async with ClientPool([url], api_key) as pool:` ... `async with pool.client() as lk: await lk.room...`.

    `pool_size` clients are ready, each with an open connection. Where all are taken, there are more, up to `most`;
    those are closed when nobody has needed them for `health_interval_s`. What is lent may be used by several tasks.

    A client's requests find the URL that answers, and wait for it while none does; what was lost on the way is sent
    again where that is as good as once, see `rooms.clients.repetition`. Opening works while LiveKit is away.

    `on_connect` is called for each socket that is opened. Raises ValueError for `urls` that are none.
    """

    unavailable: ClassVar[type[NoClient]] = NoClient

    def __init__(
        self,
        urls: Sequence[str],
        api_key: ApiKey,
        settings: ConnectionPool | None = None,
        *,
        on_connect: Callable[[], None] = uncounted,
    ) -> None:
        self._api_key = api_key
        self._authorization = Authorization(api_key)
        self._settings = settings or ConnectionPool()
        self._on_connect = on_connect
        self._endpoints = Endpoints(urls, partial(look, api_key=api_key, on_connect=on_connect), self._settings)
        self._leases: Leases[Connection] = Leases()
        self._gone = Figures()
        self._refused = 0
        self._opened = False
        self._closed = False
        self._hurry = asyncio.Event()
        self._health: asyncio.Task[None] | None = None
        self._closing: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<ClientPool {self._in_words()}>"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def open(self) -> None:
        """Connects. Returns within LOOK_LIMIT_S where LiveKit does not answer; the pool then goes on looking for it."""
        if self._opened:
            raise RuntimeError("the pool of clients was opened before: a closed one is not opened again")
        self._opened = True
        try:
            await self._endpoints.open()
            for _ in range(self._settings.pool_size):
                self._leases.give(self._new())
            await asyncio.gather(*(each.look(LOOK_LIMIT_S) for each in self._leases.idle))
        except BaseException:
            await self.aclose()
            raise
        self._health = asyncio.create_task(self._look_after(), name="health of the API clients")

    async def aclose(self) -> None:
        """Whoever waits is refused, and a request that is under way ends with an error. Any number of times."""
        self._closed = True
        self._leases.refuse(lambda: NoClient("the pool of clients is closed"))
        if self._health is not None:
            self._health.cancel()
            await asyncio.gather(self._health, return_exceptions=True)
        await self._endpoints.aclose()
        for each in [*self._leases.idle, *self._leases.taken]:
            self._retire(each)
        await asyncio.gather(*self._closing)

    @asynccontextmanager
    async def client(self, *, timeout_s: float | None = None) -> AsyncGenerator[api.LiveKitAPI]:
        """Lend a client. Whoever waits for one waits in line, at most `timeout_s` (None: `acquire_timeout_s`).

        Raises NoClient after it, and where the pool is closed. It is given back at the end of the block, however
        that comes about.
        """
        connection = await self._take(self._settings.acquire_timeout_s if timeout_s is None else timeout_s)
        try:
            yield connection.lk
        finally:
            self._give_back(connection)

    def stats(self) -> PoolStats:
        """Costs a few microseconds a client."""
        leases = self._leases
        everyone = [*leases.idle, *leases.taken]
        total = Figures()
        for figures in (self._gone, *(each.figures for each in everyone)):
            total.add(figures)
        return PoolStats(
            leases.size,
            len(leases.idle),
            len(leases.taken),
            leases.waiting,
            self._endpoints.state,
            total.requests,
            total.failures,
            total.handshakes,
            self._refused,
            tuple(each.stats() for each in everyone),
            tuple(each.stats() for each in self._endpoints.all),
        )

    def reconfigure(self, settings: ConnectionPool) -> None:
        """From now on; a search for LiveKit that is under way ends by the old ones. What is lent is not touched."""
        before, self._settings = self._settings, settings
        for endpoint in self._endpoints.all:
            endpoint.settings = settings
        for each in [*self._leases.idle, *self._leases.taken]:
            each.settings = settings
        if not self._opened or self._closed:
            return
        if settings.health_interval_s != before.health_interval_s:
            for each in list(self._leases.idle):
                self._retire(each)  # how long a connection is kept is part of it
        for each in self._leases.idle[: max(0, self._leases.size - settings.most)]:
            self._retire(each)
        self._fill()
        self._hurry.set()

    async def _take(self, limit_s: float) -> Connection:
        if self._closed or not self._opened:
            raise NoClient(f"the pool of clients is {'closed' if self._closed else 'not open yet'}")
        connection = self._leases.take()
        if connection is None and self._leases.size < self._settings.most:
            connection = self._new()
            self._leases.taken.add(connection)
        if connection is None:
            connection = await self._wait(limit_s)
        connection.lent_at_s = time.monotonic()
        return connection

    async def _wait(self, limit_s: float) -> Connection:
        place = self._leases.queue()
        try:
            async with asyncio.timeout(limit_s):
                return await place
        except BaseException as error:
            came = self._leases.leave(place)
            if came is not None:
                self._give_back(came)
            if not isinstance(error, TimeoutError):
                raise
            self._refused += 1
        raise NoClient(f"no client was free within {limit_s:g} s: {self._in_words()}; {self._endpoints.in_words()}")

    def _give_back(self, connection: Connection) -> None:
        old = connection.kept_for_s != connection.settings.health_interval_s
        if self._closed or old or self._leases.size > self._settings.most:
            self._retire(connection)
            self._fill()
        else:
            self._leases.give(connection)

    def _fill(self) -> None:
        """As many as there should be, and one for each who waits."""
        while not self._closed and (
            self._leases.size < self._settings.pool_size
            or (self._leases.waiting and self._leases.size < self._settings.most)
        ):
            self._leases.give(self._new())

    def _new(self) -> Connection:
        return Connection(self._endpoints, self._api_key, self._authorization, self._settings, self._on_connect)

    def _retire(self, connection: Connection) -> None:
        if connection in self._leases.taken or connection in self._leases.idle:
            self._leases.remove(connection)
            self._gone.add(connection.figures)
            self._later(connection.aclose())

    def _later(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work, name="close an API client")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def _look_after(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._settings.health_interval_s / TICKS):
                    await self._hurry.wait()
                    self._hurry.clear()
            except TimeoutError:
                pass
            interval_s = self._settings.health_interval_s
            self._shrink(interval_s)
            for connection in list(self._leases.idle):
                if connection in self._leases.idle and time.monotonic() - connection.answered_at_s >= interval_s:
                    await self._look(connection)
            for endpoint in self._endpoints.all:
                if time.monotonic() - endpoint.answered_at_s >= interval_s:
                    await endpoint.look()  # one that no client uses now

    async def _look(self, connection: Connection) -> None:
        self._leases.take_this(connection)
        try:
            await connection.look(LOOK_LIMIT_S)
        finally:
            self._give_back(connection)

    def _shrink(self, unused_s: float) -> None:
        spare = self._leases.size - self._settings.pool_size
        idle = [each for each in self._leases.idle if time.monotonic() - each.lent_at_s >= unused_s]
        for connection in idle[: max(0, spare)]:
            self._retire(connection)

    def _in_words(self) -> str:
        leases = self._leases
        return f"{len(leases.taken)} of {self._settings.most} are taken, {leases.waiting} wait"
