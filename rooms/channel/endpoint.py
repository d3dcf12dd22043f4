"""`GET /api/channel`: the WebSocket of a caller's page, see `rooms.channel.frames` for what goes over it."""

from __future__ import annotations

import asyncio
import functools
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from aiohttp import ClientSession, ClientTimeout, WSMsgType, web

from rooms.channel.agent_line import AgentLine
from rooms.channel.agent_rpc import AgentRpc
from rooms.channel.frames import MOST_FRAME_BYTES, Code, Hello, Refused, read_frame
from rooms.channel.requests import RequestDesk
from rooms.channel.session import ChannelLimits, Session
from rooms.channel.sessions import Sessions
from rooms.door.rate import Rate
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from rooms.channel.frames import Ack, Message, Ping
    from rooms.channel.requests import Answers
    from rooms.tokens import ApiKey

log = get_logger("channel")

PATH = "/api/channel"
ENTRY_RATES = ("100/second", "1200/minute")
RPC_LIMIT_S = 5.0
LIMITS = ChannelLimits()
CHANNEL: web.AppKey[Channel] = web.AppKey("channel")
"""Of an application with `add_channel_routes`."""


def add_channel_routes(app: web.Application, livekit_url: str, key: ApiKey, *, limits: ChannelLimits = LIMITS) -> None:
    """`GET /api/channel`, with the room's agent to answer text requests.

    Who may ask is known by the JWT in the first message; which site asks, a guard of `app` has to look at.
    """

    async def answered_by_agent(app: web.Application) -> AsyncIterator[None]:
        async with ClientSession(timeout=ClientTimeout(total=RPC_LIMIT_S)) as http:
            rpc = AgentRpc(http, livekit_url, key)
            channel.answers = functools.partial(AgentLine, rpc)
            yield
            await channel.aclose()

    app[CHANNEL] = channel = Channel(key, limits=limits)
    app.cleanup_ctx.append(answered_by_agent)
    app.on_shutdown.append(lambda _: channel.aclose())
    app.add_routes(channel.routes())


def channel_routes(channel: Channel) -> list[web.RouteDef]:
    """For an application that has its own `Answers`; it enters and leaves `channel` itself."""
    return channel.routes()


class Channel:
    """The service's end of all pages' channels: `async with Channel(key, answers) as channel`, and its `routes`.

    `entry_rates`: of connections, all pages together. Leave it before the server stops: connections that are open
    would keep that waiting.
    """

    def __init__(
        self,
        key: ApiKey,
        answers: Answers | None = None,
        *,
        limits: ChannelLimits = LIMITS,
        entry_rates: Sequence[str] = ENTRY_RATES,
    ) -> None:
        self.answers = answers
        self.sessions = Sessions(key, limits, self._desk)
        self._limits = limits
        self._rate = Rate(*entry_rates)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self.serve)]

    async def aclose(self) -> None:
        """Closes what is open. Any number of times."""
        await self.sessions.aclose()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection, to its end."""
        socket = web.WebSocketResponse(
            max_msg_size=MOST_FRAME_BYTES, compress=False, timeout=self._limits.close_s, receive_timeout=None
        )
        await socket.prepare(request)
        try:
            hello = await self._hello(socket)
            session = self.sessions.enter(hello)
            await self._carry(session, request, socket, hello)
        except Refused as error:
            log.info("a channel was closed", code=int(error.code), reason=str(error))
            await socket.close(code=error.code, message=error.reason)
        except ConnectionError:
            pass  # the page is gone while something was sent to it
        return socket

    def _desk(self, session: Session) -> RequestDesk:
        if self.answers is None:
            raise RuntimeError("Channel: it has no answers yet, enter the application first")
        return RequestDesk(session.send, self.answers(session.caller))

    async def _hello(self, socket: web.WebSocketResponse) -> Hello:
        wait_s = self._rate.wait_s()
        if wait_s > 0:
            raise Refused(Code.TOO_MANY, "too many connections at once", retry_after_s=round(wait_s, 3))
        frame = await self._receive(socket, self._limits.hello_s, "no hello")
        if isinstance(frame, Hello):
            return frame
        if frame is None:
            raise ConnectionResetError
        raise Refused(Code.UNAUTHENTICATED, "the first frame must be a hello")

    async def _carry(self, session: Session, request: web.Request, socket: web.WebSocketResponse, hello: Hello) -> None:
        # Half open, and the page does not know it any more. Its handler ends with it.
        session.drop_connection()
        session.attach(socket, request.transport, hello)
        self.sessions.attached(session)
        writer = asyncio.create_task(self._write(session, socket), name=f"writer of {session.name}")
        try:
            await self._read(session, socket)
        except Refused as error:
            if error.code is Code.MALFORMED:
                self.sessions.end(session, error.code, str(error))
            raise
        finally:
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer
            if session.socket is socket:
                session.detach()
                self.sessions.detached(session)

    async def _read(self, session: Session, socket: web.WebSocketResponse) -> None:
        while not session.over:
            frame = await self._receive(socket, self._limits.dead_peer_s, "nothing was heard")
            if frame is None:
                if socket.close_code == Code.FINISHED and session.socket is socket:
                    self.sessions.end(session)
                return
            session.spend()
            if not isinstance(frame, Hello):
                session.read(frame)
            elif session.is_of(frame):
                await socket.send_str(session.welcome())  # the first one was lost
            else:
                raise Refused(Code.MALFORMED, "a hello for another session")

    async def _write(self, session: Session, socket: web.WebSocketResponse) -> None:
        with suppress(ConnectionError):
            await socket.send_str(session.welcome())
            await session.write(socket)

    async def _receive(
        self, socket: web.WebSocketResponse, limit_s: float, missing: str
    ) -> Hello | Message | Ack | Ping | None:
        """A frame; None at the end of the connection. Raises `Refused`."""
        try:
            received = await socket.receive(timeout=limit_s)
        except TimeoutError:
            raise Refused(Code.SILENT, f"{missing} for {limit_s:g} s") from None
        if received.type is WSMsgType.TEXT:
            return read_frame(received.data)
        if received.type is WSMsgType.BINARY:
            raise Refused(Code.MALFORMED, "frame: must be text, not binary")
        return None
