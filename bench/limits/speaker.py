"""People who publish: tracks of sound and pictures in a real room, and what they are told."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from livekit import api, rtc

from rooms.limits.notice import TOPIC

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sim.livekit_server import LocalLiveKit


class Speaker:
    """`told` are the limits' messages, in order; `removed` is set when LiveKit has put them out."""

    def __init__(self, lk: api.LiveKitAPI, name: str, identity: str) -> None:
        self._lk = lk
        self._name = name
        self._identity = identity
        self.room = rtc.Room()
        self.told: list[dict[str, Any]] = []
        self.removed = asyncio.Event()
        self.room.on("data_received", self._data)
        self.room.on("disconnected", self._disconnected)

    async def publish(self, count: int, *, video: bool = False) -> list[rtc.LocalTrackPublication]:
        """One after the other: the server has received the first sound or picture of each before the next one."""
        published: list[rtc.LocalTrackPublication] = []
        for _ in range(count):
            published.append(await self._publish_video() if video else await self._publish_audio())
            while not await self._received(published[-1].sid):  # noqa: ASYNC110  # LiveKit does not tell its owner
                await asyncio.sleep(0.005)
        return published

    async def _received(self, sid: str) -> bool:
        present = (await self._lk.room.list_participants(api.ListParticipantsRequest(room=self._name))).participants
        ours = [each for each in present if each.identity == self._identity]
        return not ours or any(track.sid == sid for track in ours[0].tracks)  # who was removed waits for nothing

    async def _publish_audio(self) -> rtc.LocalTrackPublication:
        track = rtc.LocalAudioTrack.create_audio_track("sound", rtc.AudioSource(48_000, 1))
        return await self.room.local_participant.publish_track(track)

    async def _publish_video(self) -> rtc.LocalTrackPublication:
        track = rtc.LocalVideoTrack.create_video_track("picture", rtc.VideoSource(16, 16))
        return await self.room.local_participant.publish_track(track)

    def _data(self, packet: rtc.DataPacket) -> None:
        if packet.topic == TOPIC:
            self.told.append(json.loads(packet.data))

    def _disconnected(self, reason: int) -> None:
        if reason == rtc.DisconnectReason.PARTICIPANT_REMOVED:
            self.removed.set()


@asynccontextmanager
async def speaker(
    livekit: LocalLiveKit, lk: api.LiveKitAPI, room: str, identity: str, *, agent: bool = False
) -> AsyncGenerator[Speaker]:
    grants = api.VideoGrants(room_join=True, room=room, agent=agent)
    token = api.AccessToken(livekit.api_key, livekit.api_secret).with_identity(identity).with_grants(grants)
    ada = Speaker(lk, room, identity)
    await ada.room.connect(livekit.url, (token.with_kind("agent") if agent else token).to_jwt())
    try:
        yield ada
    finally:
        await ada.room.disconnect()


async def muted(lk: api.LiveKitAPI, room: str) -> set[str]:
    """Sids of the tracks that LiveKit lists as muted."""
    present = (await lk.room.list_participants(api.ListParticipantsRequest(room=room))).participants
    return {track.sid for each in present for track in each.tracks if track.muted}


async def until_muted(lk: api.LiveKitAPI, room: str, sids: set[str]) -> None:
    async with asyncio.timeout(30):
        while await muted(lk, room) != sids:  # noqa: ASYNC110  # LiveKit tells it nobody outside the room
            await asyncio.sleep(0.05)
