"""One too many: a participant at the token and at the join, a track of sound and one of pictures."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from livekit import api, rtc

from bench.limits.lender import OneClient
from bench.limits.place import own_livekit, telling_livekit
from bench.limits.results import Full
from bench.limits.speaker import Speaker, muted, speaker
from rooms.creation import create_optimized_room
from rooms.limits.keeper import LimitKeeper
from rooms.limits.reached import LimitReached
from rooms.performance.sections import RoomLimits
from rooms.tokens import ApiKey, caller_token

if TYPE_CHECKING:
    from bench.limits.plan import Options

ROOM = "full"
TOLD_LIMIT_S = 10.0
JOINS_AT_ONCE = 5


async def full_room(options: Options) -> list[Full]:
    """Twice as many tokens are asked for at once as there are seats; all who got one join, and then one without."""
    most = options.participants
    async with own_livekit() as (livekit, lk), AsyncExitStack() as stack:
        clients = OneClient(lk)
        limits = RoomLimits(max_rooms=None, max_participants_per_room=most)
        keeper = await stack.enter_async_context(LimitKeeper(clients, limits))
        await create_optimized_room(clients, ROOM, limits=keeper)
        refused: list[str] = []
        after_ms: list[float] = []

        async def ask(identity: str) -> str | None:
            begun_s = time.monotonic()
            try:
                await keeper.admit(ROOM, identity)
            except LimitReached as reached:
                refused.append(str(reached))
                after_ms.append(1000 * (time.monotonic() - begun_s))
                return None
            return identity

        answers = await asyncio.gather(*(ask(f"caller-{number}") for number in range(2 * most)))
        admitted = [identity for identity in answers if identity is not None]
        at_token = Full("token", most, len(admitted), len(refused), next(iter(refused), ""), tuple(after_ms))
        slots = asyncio.Semaphore(JOINS_AT_ONCE)

        async def join(identity: str) -> None:
            async with slots:
                room = rtc.Room()
                key = ApiKey(livekit.api_key, livekit.api_secret)
                await room.connect(livekit.url, caller_token(key, room=ROOM, identity=identity))
                stack.push_async_callback(room.disconnect)

        await asyncio.gather(*(join(identity) for identity in admitted))
        begun_s = time.monotonic()
        try:
            await join("without-asking")
            told = ""
        except rtc.ConnectError as error:
            told = str(error)
        took_ms = 1000 * (time.monotonic() - begun_s)
        present = (await lk.room.list_participants(api.ListParticipantsRequest(room=ROOM))).participants
        return [at_token, Full("join", most, len(present), int(bool(told)), told, (took_ms,))]


async def full_of_tracks(options: Options, *, video: bool) -> Full:
    """A room with as many tracks as there may be, of two people; then one more. `after_ms`: until it is muted."""
    most = options.video_tracks if video else options.audio_tracks
    limits = RoomLimits(
        max_rooms=None, max_audio_tracks_per_room=options.audio_tracks, max_video_tracks_per_room=options.video_tracks
    )
    keepers: list[LimitKeeper] = []

    async def hear(event: api.WebhookEvent) -> None:
        await keepers[0].on_event(event)

    async with telling_livekit(hear) as (livekit, lk), LimitKeeper(OneClient(lk), limits) as keeper:
        keepers.append(keeper)
        async with speaker(livekit, lk, ROOM, "ada") as ada, speaker(livekit, lk, ROOM, "bob") as bob:
            await ada.publish(most // 2, video=video)
            await bob.publish(most - most // 2, video=video)
            begun_s = time.monotonic()
            (last,) = await bob.publish(1, video=video)
            await _told(bob)
            while not last.muted and time.monotonic() - begun_s < TOLD_LIMIT_S:  # noqa: ASYNC110  # a field of the SDK
                await asyncio.sleep(0.002)
            took_ms = 1000 * (time.monotonic() - begun_s)
            quiet = await muted(lk, ROOM)
            held = most if quiet == {last.sid} and not ada.told else most + 1 - len(quiet)
            said = bob.told[0]["message"] if bob.told else ""
            return Full("picture" if video else "sound", most, held, len(quiet), said, (took_ms,))


async def _told(who: Speaker) -> None:
    deadline = time.monotonic() + TOLD_LIMIT_S
    while not who.told and time.monotonic() < deadline:  # noqa: ASYNC110  # filled by a callback of the SDK
        await asyncio.sleep(0.002)
