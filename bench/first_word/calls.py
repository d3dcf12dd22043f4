"""Calls up to the first word: everything of the caller is ready before the click, and many can come at once."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from livekit import api, rtc

from bench.aside import tell
from bench.measure import CallFailed, leave_nothing
from bench.residuals import message, wall_offset_s
from observe.room_feed import TOPIC
from rooms.dispatch import DispatchError
from sim.caller import Caller, CallerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.first_word.doors import Ask, Door, Ticket
    from bench.workers import Surroundings
    from sim.caller import FirstWord

FIRST_WORD_LIMIT_S = 40.0  # of twenty at once on a small machine the last one waits long, and still counts
CONNECT_LIMIT_S = 90.0  # with the wait for the others
STAY_S = 0.8
LEAST_SOUND_S = 0.1  # less than that is a click and no word
TOGETHER_AFTER_S = 2.0  # all are ready: what made them and their rooms ready must not cost them time
READY_BEFORE_S = 1.0  # the microphone's own start, before a caller who comes at a given time
CALL_LIMIT_S = 150.0
UNUSED = "asked for at the door"
DEFAULT_OPTIONS = rtc.RoomOptions()


@dataclass(frozen=True)
class Heard:
    """One call. `failed` says what went wrong, and then no time of it counts.

    `ttfw_ms` counts from the connect call, `click_ms` from the request for the token. `called_at_s` is the connect
    call as a `time.time()`. `start`: the agent's own timeline of the call's start, if it was told while it lasted.
    """

    ttfw_ms: float = 0.0
    click_ms: float = 0.0
    connect_ms: float = 0.0
    called_at_s: float = 0.0
    start: dict[str, Any] | None = field(default=None, repr=False)
    failed: str | None = None


class DoorRoom(rtc.Room):
    """A room whose connect call gets its URL and token first: the microphone is on before the click."""

    def __init__(self, ask: Ask, gate: asyncio.Event | None = None) -> None:
        super().__init__()
        self._ask = ask
        self._gate = gate
        self.ready = asyncio.Event()
        self.ticket: Ticket | None = None
        self.clicked_at = 0.0
        self.called_at = 0.0

    async def connect(self, url: str, token: str, options: rtc.RoomOptions = DEFAULT_OPTIONS) -> None:
        """`url` and `token` are not used."""
        self.ready.set()
        if self._gate is not None:
            await self._gate.wait()
        self.clicked_at = time.perf_counter()
        self.ticket = ticket = await self._ask()
        self.called_at = time.perf_counter()
        try:
            await super().connect(ticket.url, ticket.token, options)
        except rtc.ConnectError as error:
            # The server's refusal quotes the token.
            raise rtc.ConnectError(str(error).replace(ticket.token, "<token>")) from None


async def hear_one(place: Surroundings | None, door: Door) -> Heard:
    """One call; a failure is in what is returned, not raised.

    Its room is closed at the end, but not without a `place`: then that is left to the agent.
    """
    return await _hear(place, door, None, asyncio.Event(), STAY_S)


async def hear_all(
    place: Surroundings, door: Door, offsets_s: Sequence[float], *, stay_s: float = STAY_S
) -> list[Heard]:
    """A call for each of `offsets_s`, which say when it comes; those that are all 0 begin in the same moment."""
    if any(offsets_s):
        return list(await asyncio.gather(*(_come_at(place, door, at_s, stay_s) for at_s in offsets_s)))
    gate, ready = asyncio.Event(), [asyncio.Event() for _ in offsets_s]
    calls = [asyncio.create_task(_hear(place, door, gate, each, stay_s)) for each in ready]
    try:
        await asyncio.gather(*(each.wait() for each in ready))
        if len(calls) > 1:
            await asyncio.sleep(TOGETHER_AFTER_S)
        gate.set()
        return list(await asyncio.gather(*calls))
    finally:
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)


async def _come_at(place: Surroundings, door: Door, at_s: float, stay_s: float) -> Heard:
    gate = asyncio.Event()
    opening = asyncio.get_running_loop().call_later(READY_BEFORE_S + at_s, gate.set)
    try:
        await asyncio.sleep(at_s)
        return await _hear(place, door, gate, asyncio.Event(), stay_s)
    finally:
        opening.cancel()


async def _hear(
    place: Surroundings | None, door: Door, gate: asyncio.Event | None, ready: asyncio.Event, stay_s: float
) -> Heard:
    room: DoorRoom | None = None
    try:
        async with asyncio.timeout(CALL_LIMIT_S), door() as ask:
            caller = Caller(UNUSED, UNUSED, name="caller", text_topics=(TOPIC,), connect_timeout_s=CONNECT_LIMIT_S)
            caller.room = room = DoorRoom(ask, gate)
            room.ready = ready
            async with caller:
                first = await caller.first_word(FIRST_WORD_LIMIT_S)
                await asyncio.sleep(first.first_audible_at + stay_s - time.perf_counter())
                _was_a_word(caller, first)
                return Heard(
                    (first.first_audible_at - room.called_at) * 1000,
                    (first.first_audible_at - room.clicked_at) * 1000,
                    ((caller.connected_at or 0.0) - room.called_at) * 1000,
                    room.called_at + wall_offset_s(),
                    _start_of(caller),
                )
    except (CallFailed, CallerError, DispatchError, aiohttp.ClientError, TimeoutError) as error:
        return Heard(failed=str(error) or f"not over after {CALL_LIMIT_S:g} s")
    finally:
        ready.set()  # the others must not wait for a caller who failed before
        if place is not None and room is not None and room.ticket is not None:
            await _leave(place, room.ticket.room)


async def _leave(place: Surroundings, room: str) -> None:
    try:
        await leave_nothing(place, room)
    except (api.ServerError, aiohttp.ClientError, TimeoutError) as error:
        # The call was measured all the same; a room that stays is closed by LiveKit's own timeout.
        tell(f"a room was not closed: {error}")


def _was_a_word(caller: Caller, first: FirstWord) -> None:
    """Raises `CallFailed` if what was heard first was only a click."""
    now = time.perf_counter()
    spans = [(begin, now if end is None else end) for track in caller.heard() for begin, end in track.spans()]
    sound_s = sum(end - begin for begin, end in spans if end > first.first_audible_at)
    if sound_s < LEAST_SOUND_S:
        raise CallFailed(f"only {sound_s * 1000:.0f} ms of sound came with the first word")


def _start_of(caller: Caller) -> dict[str, Any] | None:
    told = (message(text, TOPIC) for text in caller.texts)
    return next((content for content in told if content is not None and content["kind"] == "start"), None)
