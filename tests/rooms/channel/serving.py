"""The service's end of the channel on a real port, and a page that says what a test wants it to."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession, WSMsgType, web

from rooms.channel.endpoint import PATH, Channel
from rooms.channel.session import ChannelLimits
from rooms.tokens import ApiKey, caller_token

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from aiohttp import ClientWebSocketResponse

    from rooms.channel.session import Caller

KEY = ApiKey("key", "secret-of-the-channel-tests-0123456789")
LIMITS = ChannelLimits(close_s=0.5, resend_s=0.1, ack_delay_s=0.005)


class Echo:
    """Answers "n parts" with that many parts, "wait" never, "fail" with an error, all else with itself."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.open = 0

    async def answer(self, text: str) -> AsyncGenerator[str]:
        self.open += 1
        try:
            if text == "fail":
                raise RuntimeError("the secret of a provider")
            if text == "wait":
                await asyncio.Event().wait()
            if text.endswith(" parts"):
                for number in range(int(text.split()[0])):
                    yield f"{number} "
            else:
                yield text
        finally:
            self.open -= 1

    async def aclose(self) -> None:
        """Nothing outlives an answer."""


class TestPage:
    """A page by hand."""

    __test__ = False

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.socket = socket
        self.seq = 0

    async def say(self, frame: str, **fields: object) -> None:
        await self.socket.send_str(json.dumps({"frame": frame, **fields}))

    async def hello(self, **fields: object) -> dict[str, Any]:
        """Says it and returns the welcome."""
        known = {"token": token(), "client": "page-1"} if not fields.keys() & {"token", "resume"} else {}
        await self.say("hello", **({"v": 1, "received": 0} | known | fields))
        return await self.hear()

    async def ask(self, text: str, request: str = "r1") -> None:
        await self.message({"type": "ai_request", "id": request, "text": text})

    async def message(self, body: object) -> None:
        self.seq += 1
        await self.say("message", seq=self.seq, ack=0, body=body)

    async def hear(self) -> dict[str, Any]:
        return json.loads(await self.socket.receive_str(timeout=10))

    async def bodies(self, count: int) -> list[dict[str, Any]]:
        """The next messages that are new, acknowledged."""
        bodies: dict[int, dict[str, Any]] = {}
        while len(bodies) < count:
            frame = await self.hear()
            if frame["frame"] == "message":
                bodies[frame["seq"]] = frame["body"]
                await self.say("ack", ack=max(bodies))
        return [bodies[seq] for seq in sorted(bodies)]

    def cut(self) -> None:
        """Ends the connection without a word."""
        self.socket.get_extra_info("socket").shutdown(socket.SHUT_RDWR)

    async def closed(self) -> tuple[int | None, str]:
        """Reads on until the service closes: code and words."""
        while True:
            said = await self.socket.receive(timeout=10)
            if said.type is WSMsgType.CLOSE:
                return said.data, said.extra or ""
            if said.type is not WSMsgType.TEXT:
                return self.socket.close_code, ""


class Service:
    def __init__(self, channel: Channel, url: str, http: ClientSession) -> None:
        self.channel = channel
        self.url = url
        self.http = http

    @asynccontextmanager
    async def page(self) -> AsyncGenerator[TestPage]:
        async with self.http.ws_connect(self.url + PATH, autoclose=False) as socket:
            yield TestPage(socket)


@asynccontextmanager
async def service(
    limits: ChannelLimits = LIMITS, key: ApiKey = KEY, entry_rates: Sequence[str] = ("9999/second",)
) -> AsyncGenerator[Service]:
    async with Channel(key, Echo, limits=limits, entry_rates=entry_rates) as channel:
        app = web.Application()
        app.add_routes(channel.routes())
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            async with ClientSession() as http:
                yield Service(channel, f"http://127.0.0.1:{runner.addresses[0][1]}", http)
                await channel.aclose()
        finally:
            await runner.cleanup()


def token(identity: str = "ada", *, room: str = "room", key: ApiKey = KEY, **options: Any) -> str:
    return caller_token(key, room=room, identity=identity, **options)
