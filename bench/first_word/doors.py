"""How a caller gets into a room: the ways to a token, each asked for when the caller is ready to connect."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Self

import aiohttp
from aiohttp import web

from bench.measure import LEAD_S, caller_token
from bench.workers import BenchError
from rooms.dispatch import open_room
from rooms.entrance import Ticket
from rooms.tokens import new_name
from sim.caller import CallerError, mint_caller_token
from web.assets import STATIC
from web.server import ENTRANCE, page_app

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from bench.workers import Surroundings
    from rooms.entrance import DispatchAt

HOST = "127.0.0.1"
CALLER = "caller"
FILL_LIMIT_S = 60.0
LOOK_AGAIN_S = 0.05
SETTLE_S = 0.5  # the publisher's own connection


if TYPE_CHECKING:
    Ask = Callable[[], Awaitable[Ticket]]
    Door = Callable[[], AbstractAsyncContextManager[Ask]]
    """Entered for each caller, and left when the call is over."""


def by_join(place: Surroundings, agent_name: str, metadata: str = "") -> Door:
    """The caller's own join creates the room and brings the agent; `metadata` is that of its job."""

    @asynccontextmanager
    async def door() -> AsyncGenerator[Ask]:
        async def ask() -> Ticket:
            room = new_name("bench")
            return Ticket(place.livekit.url, caller_token(place, room, agent_name, metadata), room, CALLER)

        yield ask

    return door


def by_dispatch(place: Surroundings, agent_name: str, metadata: str = "", *, lead_s: float = LEAD_S) -> Door:
    """The agent is sent for, and `lead_s` after that the caller connects; `metadata` is that of its job."""

    @asynccontextmanager
    async def door() -> AsyncGenerator[Ask]:
        async def ask() -> Ticket:
            sent_for_at, room = time.perf_counter(), new_name("bench")
            await open_room(place.lk, room, agent_name, metadata, fresh=True)
            await asyncio.sleep(sent_for_at + lead_s - time.perf_counter())
            return Ticket(place.livekit.url, caller_token(place, room, None), room, CALLER)

        yield ask

    return door


def by_page(address: asyncio.Future[str], session: aiohttp.ClientSession, *, lead_s: float = 0.0) -> Door:
    """A token of the page, as soon as its address is known; then at least `lead_s` to the connect call."""

    @asynccontextmanager
    async def door() -> AsyncGenerator[Ask]:
        async def ask() -> Ticket:
            page = await address
            asked_at = time.perf_counter()
            async with session.post(f"{page}/api/token") as answer:
                content = await answer.json()
                if answer.status != 200:
                    raise CallerError(f"no token: {content['error']['message']}")
            await asyncio.sleep(asked_at + lead_s - time.perf_counter())
            return Ticket(**content)

        yield ask

    return door


def into_sound(place: Surroundings, address: str, session: aiohttp.ClientSession) -> Door:
    """The floor: a room in which somebody is already sending. `address` is that of the `SoundingRooms`."""

    @asynccontextmanager
    async def door() -> AsyncGenerator[Ask]:
        room, key = new_name("floor"), place.key
        told = {"url": place.livekit.url, "token": mint_caller_token(key.key, key.secret, room, "floor")}
        async with session.put(f"{address}/{room}", json=told) as answer:
            if answer.status != 200:
                raise CallerError(f"floor: {await answer.text()}")
        try:
            await asyncio.sleep(SETTLE_S)

            async def ask() -> Ticket:
                return Ticket(place.livekit.url, mint_caller_token(key.key, key.secret, room, CALLER), room, CALLER)

            yield ask
        finally:
            async with session.delete(f"{address}/{room}"):
                pass

    return door


class Page:
    """`async with Page(place, agent_name) as page:` is the project's token endpoint, served on loopback.

    `livekit_url`: by which callers reach LiveKit where that is not `place`'s own; `static`: the built page's folder.
    With `standby_rooms` the block begins when all of them wait; `BenchError` if they do not come.
    """

    def __init__(
        self,
        place: Surroundings,
        agent_name: str,
        *,
        standby_rooms: int = 0,
        dispatch_at: DispatchAt = "token",
        static: Path = STATIC,
        livekit_url: str | None = None,
    ) -> None:
        self._standby_rooms = standby_rooms
        self._app = page_app(
            livekit_url=livekit_url or place.livekit.url,
            api_key=place.key.key,
            api_secret=place.key.secret,
            agent_name=agent_name,
            standby_rooms=standby_rooms,
            dispatch_at=dispatch_at,
            static=static,
        )
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            runner = web.AppRunner(self._app, access_log=None, shutdown_timeout=0.5)
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            await web.TCPSite(runner, HOST, 0).start()
            self._address = asyncio.get_running_loop().create_future()
            self._address.set_result(f"http://{HOST}:{runner.addresses[0][1]}")
            self._session = await stack.enter_async_context(aiohttp.ClientSession())
            await self.filled()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def door(self, *, lead_s: float = 0.0) -> Door:
        return by_page(self._address, self._session, lead_s=lead_s)

    @property
    def url(self) -> str:
        """Where a browser opens it."""
        return self._address.result()

    async def filled(self) -> None:
        """Wait until all standby rooms are there. Raises `BenchError` if they do not come."""
        rooms = self._app[ENTRANCE]
        try:
            async with asyncio.timeout(FILL_LIMIT_S):
                while rooms.waiting < self._standby_rooms:  # noqa: ASYNC110  # they tell it nobody
                    await asyncio.sleep(LOOK_AGAIN_S)
        except TimeoutError:
            have = f"{rooms.waiting} of {self._standby_rooms}"
            raise BenchError(f"standby rooms: {have} ready after {FILL_LIMIT_S:g} s") from None
