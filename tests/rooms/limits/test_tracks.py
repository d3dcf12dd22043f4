"""The limits of tracks, with real participants and the real server's webhooks."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from livekit import api

from bench.limits.lender import OneClient
from bench.limits.place import telling_livekit
from bench.limits.speaker import muted, speaker, until_muted
from rooms.limits.keeper import LimitKeeper
from rooms.performance.sections import RoomLimits
from tests.rooms.lonely_room import until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sim.livekit_server import LocalLiveKit


class House:
    """A server whose webhooks go to a keeper; `events` are those that came, `deaf` loses them."""

    def __init__(self, limits: RoomLimits) -> None:
        self.limits = limits
        self.events: list[api.WebhookEvent] = []
        self.deaf = False
        self.livekit: LocalLiveKit
        self.lk: api.LiveKitAPI
        self.keeper: LimitKeeper

    async def hear(self, event: api.WebhookEvent) -> None:
        self.events.append(event)
        if not self.deaf:
            await self.keeper.on_event(event)

    async def say_again(self) -> None:
        """All webhooks that ever came, twice, in any order."""
        again = [*self.events, *self.events]
        random.shuffle(again)
        for event in again:
            await self.keeper.on_event(event)

    def published(self) -> int:
        return sum(event.event == "track_published" for event in self.events)


@asynccontextmanager
async def house(**limits: object) -> AsyncGenerator[House]:
    place = House(RoomLimits.model_validate({"max_rooms": None, **limits}))
    async with (
        telling_livekit(place.hear) as (place.livekit, place.lk),
        LimitKeeper(OneClient(place.lk), place.limits) as place.keeper,
    ):
        yield place


async def test_the_twenty_first_sound_is_muted_and_told_so() -> None:
    """With the defaults: it is muted at once, twenty stay as they are, and its owner is told why, once; webhooks that
    come again, and in disorder, change nothing."""
    async with (
        house() as place,
        speaker(place.livekit, place.lk, "room", "ada") as ada,
        speaker(place.livekit, place.lk, "room", "bob") as bob,
    ):
        await ada.publish(12)
        await bob.publish(8)
        last = (await bob.publish(1))[0]
        await until_muted(place.lk, "room", {last.sid})
        await until(lambda: bob.told != [])
        await until(lambda: place.published() == 21)
        await place.say_again()
        await place.keeper.reconcile()
        assert await muted(place.lk, "room") == {last.sid}
        await until(lambda: last.muted)
        assert bob.told == [
            {
                "version": 1,
                "limit": "max_audio_tracks_per_room",
                "allowed": 20,
                "count": 21,
                "kind": "audio",
                "track": last.sid,
                "action": "mute",
                "message": "This room has 21 audio tracks and the most is 20: yours was muted.",
            }
        ]
        assert ada.told == []


async def test_pictures_have_a_limit_of_their_own() -> None:
    """The second picture of a room is muted, and no sound."""
    async with house(max_video_tracks_per_room=1) as place, speaker(place.livekit, place.lk, "room", "ada") as ada:
        await ada.publish(2)
        _, second = await ada.publish(2, video=True)
        await until_muted(place.lk, "room", {second.sid})
        await until(lambda: [each["limit"] for each in ada.told] == ["max_video_tracks_per_room"])


async def test_its_owner_is_removed_where_that_is_the_policy() -> None:
    """And has been told before."""
    async with (
        house(max_audio_tracks_per_room=1, too_many="remove") as place,
        speaker(place.livekit, place.lk, "room", "ada") as ada,
        speaker(place.livekit, place.lk, "room", "bob") as bob,
    ):
        await ada.publish(1)
        await until(lambda: place.published() == 1)
        await bob.publish(2)
        async with asyncio.timeout(30):
            await bob.removed.wait()
        assert [(each["action"], each["allowed"]) for each in bob.told] == [("remove", 1)]
        assert not ada.removed.is_set()


async def test_the_agent_is_never_one_too_many() -> None:
    """It comes last into a room that is full: the newest caller is muted in its place."""
    async with (
        house(max_audio_tracks_per_room=2) as place,
        speaker(place.livekit, place.lk, "room", "ada") as ada,
        speaker(place.livekit, place.lk, "room", "agent", agent=True) as agent,
    ):
        _, newest = await ada.publish(2)
        await until(lambda: place.published() == 2)
        await agent.publish(1)
        await until_muted(place.lk, "room", {newest.sid})
        await until(lambda: len(ada.told) == 1)
        assert agent.told == []


async def test_a_place_that_becomes_free_is_told() -> None:
    """LiveKit lets nobody but its owner unmute a track: they are told that they may, and are not muted again."""
    async with house(max_audio_tracks_per_room=1) as place, speaker(place.livekit, place.lk, "room", "ada") as ada:
        first, second = await ada.publish(2)
        await until_muted(place.lk, "room", {second.sid})
        await ada.room.local_participant.unpublish_track(first.sid)
        await until(lambda: [each["action"] for each in ada.told] == ["mute", "free"])
        assert ada.told[1]["track"] == second.sid
        await until(lambda: second.muted)  # the server knows it before the owner
        assert second.track is not None
        second.track.unmute()
        await until_muted(place.lk, "room", set())
        await place.keeper.reconcile()
        assert await muted(place.lk, "room") == set()


async def test_what_no_webhook_told_is_found() -> None:
    """The webhooks were lost, or this service was away: the comparison with LiveKit mutes the newest."""
    async with house(max_audio_tracks_per_room=2) as place, speaker(place.livekit, place.lk, "room", "ada") as ada:
        place.deaf = True
        tracks = await ada.publish(4)
        await until(lambda: place.published() == 4)
        await place.keeper.reconcile()
        await until_muted(place.lk, "room", {track.sid for track in tracks[2:]})


async def test_who_unmutes_a_track_too_many_is_muted_again() -> None:
    """LiveKit tells nobody of it: the next comparison sees it."""
    async with (
        house(max_audio_tracks_per_room=1, reconcile_interval_s=0.3) as place,
        speaker(place.livekit, place.lk, "room", "ada") as ada,
    ):
        _, second = await ada.publish(2)
        await until_muted(place.lk, "room", {second.sid})
        await until(lambda: second.muted)  # the server knows it before the owner
        assert second.track is not None
        second.track.unmute()
        await until(lambda: len(ada.told) == 2)
        await until_muted(place.lk, "room", {second.sid})


@pytest.mark.parametrize("order", ["published_last", "finished_first"])
async def test_webhooks_of_a_room_that_has_ended_leave_nothing(order: str) -> None:
    """Late ones, of tracks that are gone and of a room that is closed, are forgotten with the next comparison."""
    async with house(max_audio_tracks_per_room=1) as place:
        async with speaker(place.livekit, place.lk, "room", "ada") as ada:
            await ada.publish(2)
            await until(lambda: place.published() == 2)
        await place.lk.room.delete_room(api.DeleteRoomRequest(room="room"))
        await until(lambda: any(event.event == "room_finished" for event in place.events))
        late = sorted(place.events, key=lambda event: event.event, reverse=order == "finished_first")
        for event in late:
            await place.keeper.on_event(event)
        await place.keeper.reconcile()
        assert "<TrackLimit 0 tracks, 0 rooms>" in repr(place.keeper)
        assert place.keeper.stats().rooms == 0
