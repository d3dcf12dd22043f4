"""The WHIP routes behind the page's guard, an agent that sounds without an end, and an offer without a browser."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from aiohttp import web
from livekit import api, rtc

from rooms.entrance import Entrance
from rooms.tokens import ApiKey
from tests.web.page_server import serve
from web.guards import guard
from web.whip.routes import PROXY, add_whip_routes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    import aiohttp
    from livekit.protocol.agent import JobAssignment

    from sim.livekit_server import LocalLiveKit
    from web.whip.calls import Calls

ENTRANCE = web.AppKey("entrance", Entrance)
RATE_HZ = 48_000
LOUD = 3000
HEAD = ["v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0"]
AUDIO = [
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
    "c=IN IP4 0.0.0.0",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:asd88fgpdd777uzjYhagZgaa",
    "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
    "a=setup:actpass",
    "a=mid:0",
    "a=sendrecv",
    "a=msid:- mic",
    "a=rtcp-mux",
    "a=rtpmap:111 opus/48000/2",
    "a=fmtp:111 minptime=10;useinbandfec=1",
    "a=rtpmap:0 PCMU/8000",
    "a=ssrc:4195875351 cname:caller",
]
SDP_TYPE = {"Content-Type": "application/sdp"}
FRAGMENT_TYPE = "application/trickle-ice-sdpfrag"


def text(*lines: str) -> str:
    """Lines of SDP, one after the other."""
    return "".join(f"{line}\r\n" for line in lines)


OFFER = text(*HEAD, *AUDIO)
"""Of a caller who connects never."""


@dataclass(frozen=True)
class WhipServer:
    """`url` is that of /api/whip."""

    url: str
    page: str
    http: aiohttp.ClientSession
    entrance: Entrance
    calls: Calls


@asynccontextmanager
async def whip_server(livekit: LocalLiveKit, agent_name: str, **options: Any) -> AsyncGenerator[WhipServer]:
    """`standby_rooms` and `dispatch_at` are the entrance's, other options those of `add_whip_routes`."""
    key = ApiKey(livekit.api_key, livekit.api_secret)
    of_entrance = {name: options.pop(name) for name in ("standby_rooms", "dispatch_at") if name in options}

    async def entrance(app: web.Application) -> AsyncIterator[None]:
        async with Entrance(livekit.url, key, agent_name, **of_entrance) as app[ENTRANCE]:
            yield

    async def blank(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>whip</title>", content_type="text/html")

    app = web.Application(middlewares=[guard(livekit.url)], client_max_size=4096)
    app.cleanup_ctx.append(entrance)
    app.router.add_get("/", blank)
    add_whip_routes(app, ENTRANCE, livekit_url=livekit.url, key=key, agent_name=agent_name, **options)
    async with serve(app) as server:
        yield WhipServer(f"{server.url}/api/whip", server.url, server.http, app[ENTRANCE], app[PROXY].calls)


@dataclass
class Speaker:
    """What a worker does with a job: it joins, sounds until its caller leaves, and listens.

    `may_come` holds it back. `heard` is set by sound of the caller, `again` publishes a new track in the old one's
    place; `left` is set when the caller has gone. What the caller says on their data channel comes back to them.
    """

    url: str
    may_come: asyncio.Event = field(default_factory=asyncio.Event)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    again: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_come.set()

    async def __call__(self, assignment: JobAssignment) -> None:
        await self.may_come.wait()
        room = rtc.Room()
        connected = asyncio.ensure_future(room.connect(self.url, assignment.token))
        try:
            await asyncio.shield(connected)
            await self._talk(room)
        finally:
            await asyncio.gather(connected, return_exceptions=True)
            await room.disconnect()

    async def _talk(self, room: rtc.Room) -> None:
        def hear(track: rtc.Track, *_: object) -> None:
            ears.append(asyncio.create_task(self._listen(track), name="the agent's ears"))

        def answer(packet: rtc.DataPacket) -> None:
            ears.append(asyncio.create_task(room.local_participant.publish_data(b"and you: " + packet.data)))

        def note_end(_: rtc.RemoteParticipant) -> None:
            gone.set()
            self.left.set()

        gone = asyncio.Event()
        ears: list[asyncio.Task[None]] = []
        room.on("track_subscribed", hear)
        room.on("data_received", answer)
        room.on("participant_disconnected", note_end)
        try:
            while not gone.is_set():
                self.again.clear()
                source = rtc.AudioSource(RATE_HZ, 1, queue_size_ms=100)
                track = rtc.LocalAudioTrack.create_audio_track("voice", source)
                options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
                published = await room.local_participant.publish_track(track, options)
                while not gone.is_set() and not self.again.is_set():
                    await source.capture_frame(rtc.AudioFrame(TONE, RATE_HZ, 1, RATE_HZ // 100))
                if self.again.is_set():
                    await room.local_participant.unpublish_track(published.sid)
                await source.aclose()
        finally:
            for task in ears:
                task.cancel()
            await asyncio.gather(*ears, return_exceptions=True)

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE_HZ, num_channels=1)
        try:
            async for event in stream:
                if np.abs(np.frombuffer(event.frame.data, np.int16)).max() > LOUD:
                    self.heard.set()
        finally:
            await stream.aclose()


def _tone() -> bytes:
    times = np.arange(RATE_HZ // 100) / RATE_HZ
    return (np.sin(2 * np.pi * 500 * times) * 16000).astype(np.int16).tobytes()


TONE = _tone()


async def callers(livekit: LocalLiveKit, room: str) -> list[str]:
    """Who is in the room beside its agent."""
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
        found = await lk.room.list_participants(api.ListParticipantsRequest(room=room))
    return [each.identity for each in found.participants if each.identity.startswith("caller-")]


async def is_open(livekit: LocalLiveKit, room: str) -> bool:
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
        return bool((await lk.room.list_rooms(api.ListRoomsRequest(names=[room]))).rooms)
