"""A server that writes down what plugins send and answers as it is told: for what a setting puts on the wire."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Request:
    """One HTTP request or websocket handshake; `body` is its JSON or the first text message of the websocket."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: dict[str, Any]


@dataclass
class Wire:
    """Answers every request with `status`, or not at all while `hanging`; websockets are closed after a message."""

    status: int = 400
    hanging: bool = False
    requests: list[Request] = field(default_factory=list[Request])
    under_way: int = 0
    most_at_once: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.0, handler_cancellation=True, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def request(self, path: str, *, count: int = 1) -> Request:
        """The `count`-th request to a path that ends so, when it has come."""
        while True:
            found = self.all(path)
            if len(found) >= count:
                return found[count - 1]
            self._news.clear()
            await self._news.wait()

    def all(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path.endswith(path)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            if request.headers.get("Upgrade") == "websocket":
                return await self._answer_websocket(request)
            text = await request.text()
            self._note(request, json.loads(text) if text else {})
            if self.hanging:
                await asyncio.Event().wait()
            return web.json_response({"error": {"message": "refused"}}, status=self.status)
        finally:
            self.under_way -= 1

    async def _answer_websocket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        message = await socket.receive()
        self._note(request, json.loads(message.data) if message.type is web.WSMsgType.TEXT else {})
        await socket.close()
        return socket

    def _note(self, request: web.Request, body: dict[str, Any]) -> None:
        self.requests.append(Request(request.method, request.path, request.query, request.headers, body))
        self._news.set()
