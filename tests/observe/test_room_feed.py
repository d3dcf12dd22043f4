"""The timings as the page receives them, over a real livekit-server."""

from __future__ import annotations

import asyncio
import json
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from livekit import rtc

from observe.data_packets import TRANSPORT_ATTRIBUTE, WHIP, DataPackets
from observe.room_feed import TOPIC, RoomFeed
from rooms.tokens import ApiKey, caller_token
from sim.caller import Caller, mint_caller_token
from tests.observe.records import call, turn

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine

    from sim.livekit_server import LocalLiveKit


@asynccontextmanager
async def agent_room(livekit: LocalLiveKit, name: str) -> AsyncGenerator[rtc.Room]:
    room = rtc.Room()
    await room.connect(livekit.url, mint_caller_token(livekit.api_key, livekit.api_secret, name, "agent"))
    try:
        yield room
    finally:
        await room.disconnect()


async def active(room: rtc.Room) -> None:
    """Wait until the caller can receive data; what is sent before is lost."""
    while not any(
        each.state == rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE for each in room.remote_participants.values()
    ):
        await asyncio.sleep(0.01)


async def test_the_room_is_told_the_start_and_each_turn(livekit: LocalLiveKit) -> None:
    """JSON text streams with a version, a kind and the timeline, and nothing once the room is left."""
    name, record = f"feed-{uuid.uuid4().hex[:8]}", call()
    token = mint_caller_token(livekit.api_key, livekit.api_secret, name, "caller")
    async with agent_room(livekit, name) as room:
        feed = RoomFeed(room)
        async with Caller(livekit.url, token, name="caller", text_topics=[TOPIC]) as caller:
            await active(room)
            await feed.started(record)
            await feed.turned(record, turn(2, speculated=True))
            await feed.ended(record)
            received: list[dict[str, Any]] = []
            for kind in ("start", "turn"):
                told = await caller.text(
                    lambda text, kind=kind: text.final and f'"kind": "{kind}"' in text.text, timeout_s=10, what=kind
                )
                received.append(json.loads(told.text))
            assert len(caller.texts) == 2
    await feed.turned(record, turn(3))
    assert received == [
        {"v": 1, "kind": "start", "t0": "dispatch", "labels": {}, **record.start.as_dict()},
        {
            "v": 1,
            "kind": "turn",
            "n": 2,
            "gap_ms": 812.3,
            "overhead_ms": 441.3,
            "speculated": True,
            "opener": False,
            "cut_off": False,
            **turn(2).timeline.as_dict(),
        },
    ]


async def test_who_reads_no_streams_gets_the_same_json_in_packets(livekit: LocalLiveKit) -> None:
    """One message each, none for the call's end; and one who comes again is not told them a second time."""
    name = f"feed-{uuid.uuid4().hex[:8]}"
    key, sent = ApiKey(livekit.api_key, livekit.api_secret), set[asyncio.Task[None]]()
    token = caller_token(key, room=name, identity="ada", attributes={TRANSPORT_ATTRIBUTE: WHIP})

    def start(work: Coroutine[Any, Any, None]) -> None:
        sent.add(asyncio.create_task(work))

    async with agent_room(livekit, name) as room:
        packets = DataPackets(room, start)
        room.on("participant_connected", packets.joined)
        feed = RoomFeed(room, packets)
        packets.begin()
        for expected in (["start", "turn"], ["turn"]):
            async with Caller(livekit.url, token, name="ada") as caller:
                await active(room)
                await caller.room.local_participant.publish_data(b"{}")
                if "start" in expected:
                    await feed.started(call())
                await feed.turned(call(), turn(len(expected)))
                await caller.packet(lambda data: b"turn" in data.data, timeout_s=10)
            messages = [json.loads(data.data) for data in caller.data]
            assert [message["topic"] for message in messages] == [TOPIC] * len(expected)
            assert [json.loads(message["message"])["kind"] for message in messages] == expected
            async with asyncio.timeout(10):
                while room.remote_participants:
                    await asyncio.sleep(0.01)
    for task in sent:
        task.cancel()
    await asyncio.gather(*sent, return_exceptions=True)


async def test_a_turn_without_a_gap_says_so(livekit: LocalLiveKit) -> None:
    """null, not zero."""
    name = f"feed-{uuid.uuid4().hex[:8]}"
    token = mint_caller_token(livekit.api_key, livekit.api_secret, name, "caller")
    silent = turn(1)
    object.__setattr__(silent, "gap_ms", None)
    async with (
        Caller(livekit.url, token, name="caller", text_topics=[TOPIC]) as caller,
        agent_room(livekit, name) as room,
    ):
        await active(room)
        await RoomFeed(room).turned(call(), silent)
        told = await caller.text(lambda text: text.final, timeout_s=10)
    received = json.loads(told.text)
    assert (received["gap_ms"], received["overhead_ms"]) == (None, None)
