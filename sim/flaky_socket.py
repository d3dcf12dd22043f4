"""A WebSocket relay that loses messages and connections by a pattern: what a bad network, or a bad proxy, does to them.

    async with FlakySocket("http://127.0.0.1:8080/api/channel", Losses(message=3, connection=10)) as relay:
        ... relay.url instead of the service's own ...

A message that is lost never arrives, and its connection lives on. The pattern is counted, not drawn: a test that passes
has passed these very losses.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from aiohttp import ClientError, ClientSession, ClientWebSocketResponse, WSMsgType, web

HOST = "127.0.0.1"
CLOSE_LIMIT_S = 1.0
Socket = web.WebSocketResponse | ClientWebSocketResponse


@dataclass(frozen=True)
class Losses:
    """0: none. Each direction counts its messages for itself, over all connections."""

    message: int = 0
    """Every so manyth message never arrives."""
    connection: int = 0
    """Every so manyth connection is broken off before its first message."""
    cut_after: int = 0
    """Each connection is broken off after so many messages, those of both directions together."""

    def __post_init__(self) -> None:
        for name in self.__dataclass_fields__:
            value: int = getattr(self, name)
            if value < 0 or value == 1:
                raise ValueError(f"{name}: got {value}, allowed: 0, or 2 and more")


@dataclass
class Counts:
    """What has come to the relay."""

    connections: int = 0
    broken: int = 0
    to_service: int = 0
    to_page: int = 0
    lost: int = 0


class FlakySocket:
    """`losses` may be changed while it runs."""

    def __init__(self, target: str, losses: Losses) -> None:
        self.losses = losses
        self.counts = Counts()
        self.port = 0
        self._target = target
        self._open: set[asyncio.Transport] = set()

    def __repr__(self) -> str:
        return f"<FlakySocket {self.port} to {self._target}, {self.counts}>"

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self.port}/"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes([web.get("/", self._relay)])
        self._http = ClientSession()
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=CLOSE_LIMIT_S)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.break_off()
        await self._runner.cleanup()
        await self._http.close()

    def break_off(self) -> None:
        """All connections, without a word."""
        for transport in self._open:
            transport.abort()

    async def _relay(self, request: web.Request) -> web.WebSocketResponse:
        page = web.WebSocketResponse(timeout=CLOSE_LIMIT_S)
        await page.prepare(request)
        self.counts.connections += 1
        transport = request.transport
        assert transport is not None
        if _every(self.losses.connection, self.counts.connections):
            self.counts.broken += 1
            transport.abort()
            return page
        self._open.add(transport)
        try:
            async with self._http.ws_connect(self._target) as service:
                await self._carry(page, service)
        except (ClientError, ConnectionError):
            pass  # broken on the other side: so is this one
        finally:
            self._open.discard(transport)
            transport.abort()
        return page

    async def _carry(self, page: web.WebSocketResponse, service: ClientWebSocketResponse) -> None:
        """Until one side ends, or the connection is cut."""
        passed = 0

        async def pass_on(source: Socket, sink: Socket, *, there: bool) -> None:
            nonlocal passed
            while (message := await source.receive()).type is WSMsgType.TEXT:
                passed += 1
                if self.losses.cut_after and passed > self.losses.cut_after:
                    self.counts.broken += 1
                    return
                if self._passes(there=there):
                    await sink.send_str(message.data)
            if message.type is WSMsgType.CLOSE:
                # An end in order passes, with its code and words.
                await sink.close(code=message.data, message=(message.extra or "").encode())

        ways = [
            asyncio.create_task(pass_on(page, service, there=True)),
            asyncio.create_task(pass_on(service, page, there=False)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            link: socket.socket | None = service.get_extra_info("socket")
            if not service.closed and link is not None:
                with suppress(OSError):
                    link.shutdown(socket.SHUT_RDWR)  # the service hears of no end, too

    def _passes(self, *, there: bool) -> bool:
        counts = self.counts
        if there:
            counts.to_service += 1
        else:
            counts.to_page += 1
        lost = _every(self.losses.message, counts.to_service if there else counts.to_page)
        counts.lost += lost
        return not lost


def _every(pattern: int, count: int) -> bool:
    return pattern > 0 and count % pattern == 0
