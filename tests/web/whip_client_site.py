"""For tests of the WHIP client: a page, the template's way in by WHIP, and an endpoint that does as it is told."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

import numpy as np
from aiohttp import web
from livekit import api, rtc
from livekit.protocol import models

from rooms.entrance import Entrance
from rooms.tokens import ApiKey, new_name
from tests.rooms.wire_worker import WireWorker
from tests.web.page_server import PAGE_STATIC, serve
from web.whip.routes import add_whip_routes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from aiohttp.typedefs import Handler, Middleware
    from livekit.protocol.agent import JobAssignment
    from playwright.async_api import Browser, Page

    from sim.livekit_server import LocalLiveKit

RATE_HZ = 48_000
EAR_RATE_HZ = 16_000


async def _page(_: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><title>WHIP</title>", content_type="text/html")


async def _static(request: web.Request) -> web.Response:
    return web.Response(
        text=(PAGE_STATIC / request.match_info["name"]).read_text(encoding="utf-8"), content_type="text/javascript"
    )


def site(*routes: web.AbstractRouteDef) -> web.Application:
    """An empty page that may import the library, and these routes."""
    app = web.Application()
    app.add_routes([web.get("/", _page), web.get("/static/{name}", _static), *routes])
    return app


@asynccontextmanager
async def page_of(browser: Browser, app: web.Application) -> AsyncGenerator[Page]:
    """The page in a window of its own, the library as `window.lib`; at the end it must have no uncaught error."""
    async with serve(app) as server:
        context = await browser.new_context()
        page = await context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(server.url)
        await page.evaluate("async () => { window.lib = await import('/static/firstword.js'); }")
        try:
            yield page
            assert errors == []
        finally:
            await context.close()


class Agent:
    """An agent in its room: with a voice, which sounds while it is told to, and ears."""

    def __init__(self) -> None:
        self.room = rtc.Room()
        self.data: asyncio.Queue[bytes] = asyncio.Queue()
        self.left: asyncio.Queue[str] = asyncio.Queue()
        self.heard: asyncio.Queue[rtc.AudioStream] = asyncio.Queue()
        self._sounding: asyncio.Task[None] | None = None

    async def enter(self, url: str, token: str) -> None:
        self.room.on("data_received", self._on_data)
        self.room.on("participant_disconnected", self._on_left)
        self.room.on("track_subscribed", self._on_track)
        await self.room.connect(url, token)
        self.source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=100)
        track = rtc.LocalAudioTrack.create_audio_track("roomio_audio", self.source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(track, options)
        self.sound()

    def _on_data(self, packet: rtc.DataPacket) -> None:
        self.data.put_nowait(packet.data)

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        self.left.put_nowait(participant.identity)

    def _on_track(self, track: rtc.RemoteTrack, *_: object) -> None:
        self.heard.put_nowait(rtc.AudioStream(track, sample_rate=EAR_RATE_HZ))

    async def leave(self) -> None:
        await self.hush()
        while not self.heard.empty():
            await self.heard.get_nowait().aclose()
        await self.room.disconnect()
        await self.source.aclose()

    def sound(self) -> None:
        """A tone from now on."""
        self._sounding = self._sounding or asyncio.create_task(self._tone(), name="the agent's tone")

    async def hush(self) -> None:
        if self._sounding is not None:
            self._sounding.cancel()
            await asyncio.gather(self._sounding, return_exceptions=True)
            self._sounding = None

    async def _tone(self) -> None:
        step = RATE_HZ // 100
        sine = (8000 * np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ)).astype(np.int16)
        while True:
            for begin in range(0, RATE_HZ, step):
                part = sine[begin : begin + step]
                await self.source.capture_frame(rtc.AudioFrame(part.tobytes(), RATE_HZ, 1, step))

    async def tell(self, message: object) -> None:
        await self.room.local_participant.publish_data(json.dumps(message), reliable=True)


class WhipSite:
    """`async with WhipSite(livekit) as site`: the template's way in by WHIP, with agents that come when sent for.

    `refuse` maps a method to the status with which it is refused from now on; `asked` has method and If-Match of each
    request. `agents` gets each agent when it is in its room. Without `candidates` livekit-server is told none of the
    browser's: then it finds no way to it past a `LossyLink`.
    """

    def __init__(self, livekit: LocalLiveKit, *, standby_rooms: int = 0, candidates: bool = True) -> None:
        self._livekit = livekit
        self._key = ApiKey(livekit.api_key, livekit.api_secret)
        self._standby_rooms = standby_rooms
        self._candidates = candidates
        self.agent_name = new_name("whip")
        self.agents: asyncio.Queue[Agent] = asyncio.Queue()
        self.refuse: dict[str, int] = {}
        self.asked: list[tuple[str, str]] = []

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            lk = self._livekit
            self.api = await stack.enter_async_context(api.LiveKitAPI(lk.url, lk.api_key, lk.api_secret))
            worker = WireWorker(lk.url, lk.api_key, lk.api_secret, self.agent_name, self._serve)
            self.worker = await stack.enter_async_context(worker)
            self._open = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def _serve(self, assignment: JobAssignment) -> None:
        agent = Agent()
        try:
            await agent.enter(self._livekit.url, assignment.token)
            self.agents.put_nowait(agent)
            await asyncio.Event().wait()
        finally:
            await agent.leave()

    def app(self) -> web.Application:
        entrance = web.AppKey("entrance", Entrance)

        async def opened(app: web.Application) -> AsyncGenerator[None]:
            async with Entrance(
                self._livekit.url, self._key, self.agent_name, standby_rooms=self._standby_rooms
            ) as app[entrance]:
                yield

        app = site()
        app.middlewares.append(self._watched())
        app.cleanup_ctx.append(opened)
        add_whip_routes(
            app,
            entrance,
            livekit_url=self._livekit.url,
            key=self._key,
            agent_name=self.agent_name,
            look_every_s=1.0,
        )
        return app

    def _watched(self) -> Middleware:
        @web.middleware
        async def watched(request: web.Request, handler: Handler) -> web.StreamResponse:
            if request.path.startswith("/api/whip"):
                self.asked.append((request.method, request.headers.get("If-Match", "")))
                if (status := self.refuse.get(request.method)) is not None:
                    return web.json_response({"error": {"message": "told to refuse"}}, status=status)
                if not self._candidates and request.headers.get("If-Match", "*") != "*":
                    return web.Response(status=204)
            return await handler(request)

        return watched

    async def until_empty(self, room: str) -> None:
        """Waits until no caller is in the room any more."""
        while True:
            there = await self.api.room.list_participants(api.ListParticipantsRequest(room=room))
            if not [one for one in there.participants if one.kind != models.ParticipantInfo.AGENT]:
                return
            await asyncio.sleep(0.1)


@dataclass
class Asked:
    """A request as the scripted endpoint got it."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Script:
    """An endpoint without media: answers each POST with the next of `posts`, PATCH and DELETE likewise.

    An answer is an async function of the request; without one: 201 with `sdp`, 204, 200.
    """

    posts: list[Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(default_factory=list)
    patches: list[Callable[[web.Request], Awaitable[web.StreamResponse]]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def routes(self) -> list[web.AbstractRouteDef]:
        return [web.route("*", "/{path:(whip|elsewhere).*}", self._answer)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(Asked(request.method, request.path_qs, dict(request.headers), await request.text()))
        self.news.set()
        answers = {"POST": self.posts, "PATCH": self.patches}.get(request.method, [])
        if answers:
            return await answers.pop(0)(request)
        return web.Response(status=204 if request.method == "PATCH" else 200)

    async def until(self, method: str, n: int = 1) -> Asked:
        """The nth request of this method."""
        while len(found := [one for one in self.asked if one.method == method]) < n:
            self.news.clear()
            await self.news.wait()
        return found[n - 1]


def link(url: str, **parameters: str) -> str:
    return "; ".join([f"<{quote(url, safe=':')}>", 'rel="ice-server"', *(f'{k}="{v}"' for k, v in parameters.items())])
