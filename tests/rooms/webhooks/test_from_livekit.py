"""Webhooks of a real livekit-server."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest_asyncio
from aiohttp import web
from livekit import api, rtc

from rooms.tokens import ApiKey, caller_token
from rooms.webhooks.receiver import PATH, Webhooks
from sim.livekit_server import LocalLiveKit, Webhook
from tests.rooms.door.serving import serving
from tests.rooms.webhooks.signing import send

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class Stage:
    """A server that sends, and a receiver in front of which requests can be seen and turned away."""

    livekit: LocalLiveKit
    hooks: Webhooks
    url: str
    told: list[api.WebhookEvent] = field(default_factory=list[api.WebhookEvent])
    raw: list[tuple[bytes, str]] = field(default_factory=list[tuple[bytes, str]])
    away: bool = False
    turned_away: int = 0

    async def note(self, event: api.WebhookEvent) -> None:
        self.told.append(event)

    async def room(self, name: str, *, last: str) -> list[str]:
        """What was told of a room, once `last` was."""
        async with asyncio.timeout(40):
            while True:
                kinds = [event.event for event in self.told if event.room.name == name]
                if last in kinds:
                    return kinds
                await asyncio.sleep(0.02)


@pytest_asyncio.fixture
async def stage() -> AsyncIterator[Stage]:
    made: list[Stage] = []

    async def take(request: web.Request) -> web.Response:
        (stage,) = made
        stage.raw.append((await request.read(), request.headers["Authorization"]))
        if stage.away:
            stage.turned_away += 1
            return web.Response(status=503, headers={"Retry-After": "1"})
        return await stage.hooks.handle(request)

    app = web.Application()
    app.router.add_post(PATH, take)
    async with serving(app) as root:
        livekit = LocalLiveKit(webhook=Webhook([f"{root}{PATH}"]))
        hooks = Webhooks(ApiKey(livekit.api_key, livekit.api_secret))
        made.append(Stage(livekit, hooks, f"{root}{PATH}"))
        hooks.subscribe(made[0].note)
        async with hooks, livekit:
            yield made[0]


async def test_a_call_is_told_in_its_order(stage: Stage) -> None:
    """Room, participant and track begin and end; the same requests again change nothing, altered they are refused."""
    livekit, name = stage.livekit, "told"
    key = ApiKey(livekit.api_key, livekit.api_secret)
    room = rtc.Room()
    await room.connect(livekit.url, caller_token(key, room=name, identity="ada"))
    source = rtc.AudioSource(48_000, 1)
    try:
        track = rtc.LocalAudioTrack.create_audio_track("voice", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await room.local_participant.publish_track(track, options)
        silence = rtc.AudioFrame.create(48_000, 1, 480)
        async with asyncio.timeout(40):
            while not any(event.event == "track_published" for event in stage.told):
                await source.capture_frame(silence)
        await room.local_participant.unpublish_track(publication.sid)
        await stage.room(name, last="track_unpublished")
    finally:
        await room.disconnect()
        await source.aclose()
    await stage.room(name, last="participant_left")
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
        await lk.room.delete_room(api.DeleteRoomRequest(room=name))
    assert await stage.room(name, last="room_finished") == [
        "room_started",
        "participant_joined",
        "track_published",
        "track_unpublished",
        "participant_left",
        "room_finished",
    ]
    assert stage.hooks.stats.overtaken == 0
    raw, told = [*stage.raw], len(stage.told)
    for body, signed in raw:
        assert await send(stage.url, body, signed=signed) == (200, {"status": "repeat"})
        assert (await send(stage.url, body.replace(b"told", b"TOLD"), signed=signed))[0] == 401
    assert len(stage.told) == told


async def test_what_was_turned_away_comes_again(stage: Stage) -> None:
    """A 503 costs a second, not an event, and what comes after it waits its turn: each is told once, in order."""
    stage.away = True
    livekit, name = stage.livekit, "again"
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
        await lk.room.create_room(api.CreateRoomRequest(name=name))
        async with asyncio.timeout(40):
            while not stage.turned_away:
                await asyncio.sleep(0.02)
        await lk.room.delete_room(api.DeleteRoomRequest(room=name))
        stage.away = False
    assert await stage.room(name, last="room_finished") == ["room_started", "room_finished"]
    assert stage.turned_away >= 1
