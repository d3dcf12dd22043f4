"""One call: join, first word, turns, goodbye; all times from the caller's own waveform."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from livekit import api
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration

from rooms.dispatch import DispatchError, open_room
from rooms.tokens import new_name
from sim.caller import Caller, CallerError, mint_caller_token
from sim.speech.library import RATE_HZ, load_speech

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.workers import Surroundings
    from sim.caller import FirstWord, Reply
    from sim.microphone import Spoken

Arrival = Literal["join", "early"]
"""When the agent is sent for: with the caller's connect call, or LEAD_S and more before it."""

LEAD_S = 0.5
MICROPHONE_S = 0.12  # the caller's own preparation, between its making and its connect call
FIRST_WORD_LIMIT_S = 15.0
REPLY_LIMIT_S = 20.0
QUIET_MS = 1000.0  # longer than any pause between two sentences of a reply
QUIET_LIMIT_S = 30.0
GONE_LIMIT_S = 10.0
LOOK_AGAIN_S = 0.05
CALL_LIMIT_S = 180.0

TURNS = (
    ("opening_hours", "book_table", "goodbye"),
    ("hello", "open_sunday", "no_thanks"),
    ("good_morning", "cancel", "yes_please"),
    ("help", "person", "repeat"),
    ("who_are_you", "time", "spell_name"),
)
"""Recordings that a caller says, three a call, one row after the other."""


@dataclass(frozen=True)
class CallSample:
    """One call. `failed` says what went wrong, and then no time of it counts.

    `lead_ms`: the dispatch to the connect call, None when it came with the call. `gaps_ms`: one a turn.
    """

    arrival: Arrival
    ttfw_ms: float | None = None
    connect_ms: float | None = None
    lead_ms: float | None = None
    gaps_ms: tuple[float, ...] = ()
    failed: str | None = None


class CallFailed(Exception):
    """A call was not completed: the message says how far it came."""


@dataclass(frozen=True)
class SpokenTurn:
    """What the caller said and what came back."""

    said: Spoken
    reply: Reply


async def measure_call(place: Surroundings, agent_name: str, arrival: Arrival, recordings: Sequence[str]) -> CallSample:
    """One whole call; a failure is in the sample, not raised."""
    room = new_name("bench")
    sent_for_at: float | None = None
    try:
        if arrival == "early":
            sent_for_at = time.perf_counter()
            await open_room(place.lk, room, agent_name, fresh=True)
            await asyncio.sleep(sent_for_at + LEAD_S - MICROPHONE_S - time.perf_counter())
        token = caller_token(place, room, agent_name if arrival == "join" else None)
        async with asyncio.timeout(CALL_LIMIT_S), Caller(place.livekit.url, token, name="caller") as caller:
            first = await hear_greeting(caller)
            gaps_ms = [(await take_turn(caller, name)).reply.gap_ms for name in recordings]
            called_at = caller.connect_called_at or 0.0
    except (CallFailed, CallerError, DispatchError, TimeoutError) as error:
        return CallSample(arrival, failed=str(error) or f"not over after {CALL_LIMIT_S:g} s")
    finally:
        await leave_nothing(place, room)
    lead_ms = None if sent_for_at is None else (called_at - sent_for_at) * 1000
    return CallSample(arrival, first.ttfw_ms, first.connect_ms, lead_ms, tuple(gaps_ms))


async def hear_greeting(caller: Caller) -> FirstWord:
    first = await caller.first_word(FIRST_WORD_LIMIT_S)
    await caller.quiet(QUIET_MS, timeout_s=QUIET_LIMIT_S)
    return first


async def take_turn(caller: Caller, recording: str) -> SpokenTurn:
    """Say it, wait for the reply and for its end. Raises `CallFailed` if the caller was not let finish."""
    said = await caller.say(load_speech()[recording].pcm, RATE_HZ)
    if said.torn:
        raise CallFailed(f"{recording}: this process was too busy to speak without a gap")
    reply = await caller.reply(after=said, timeout_s=REPLY_LIMIT_S)
    if reply.gap_ms < 0:
        raise CallFailed(f"{recording}: the reply began {-reply.gap_ms:.0f} ms before the caller had finished")
    await caller.quiet(QUIET_MS, timeout_s=QUIET_LIMIT_S)
    return SpokenTurn(said, reply)


def caller_token(place: Surroundings, room: str, agent_name: str | None, metadata: str = "") -> str:
    """A token that joins `room` and, with `agent_name`, brings the agent along in the moment of the join.

    `metadata` is that of its job.

    A request beside the connect call would race it: livekit-server ignores the agents of a room that exists.
    """
    if agent_name is None:
        return mint_caller_token(place.key.key, place.key.secret, room, "caller")
    configuration = RoomConfiguration(agents=[RoomAgentDispatch(agent_name=agent_name, metadata=metadata)])
    grants = api.VideoGrants(room_join=True, room=room, can_publish=True, can_subscribe=True, can_publish_data=True)
    token = api.AccessToken(place.key.key, place.key.secret).with_identity("caller").with_grants(grants)
    return token.with_room_config(configuration).to_jwt()


async def leave_nothing(place: Surroundings, room: str, *, after_s: float = 0.0) -> bool:
    """Close the room and wait until LiveKit does not list it any more; False if it stays.

    An agent that closes it itself has up to `after_s` for it: closed under its track it leaks (`Voice.retract`).
    """
    if after_s and await _is_gone(place, room, after_s):
        return True
    try:
        await place.lk.room.delete_room(api.DeleteRoomRequest(room=room))
    except api.ServerError as error:
        if error.code != api.ServerErrorCode.NOT_FOUND:
            raise
    return await _is_gone(place, room, GONE_LIMIT_S)


async def _is_gone(place: Surroundings, room: str, within_s: float) -> bool:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        listed = await place.lk.room.list_rooms(api.ListRoomsRequest(names=[room]))
        if not listed.rooms:
            return True
        await asyncio.sleep(LOOK_AGAIN_S)
    return False
