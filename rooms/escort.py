"""A caller and the way to them: looking after a room until its caller has an agent that answers."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Self

import aiohttp
from livekit import api

from rooms.attendance import Attendance, State, look
from rooms.dispatch import DispatchError, send_again
from utils.logging_config import get_logger

log = get_logger("rooms")

CHECK_S = 2.0
# An agent that has said goodbye leaves a moment before its room is closed: only what is seen twice is believed.
CONFIRM_S = 1.0
FIRST_LOOK_S = 1.0
MAX_LOST = 3  # a call that takes worker after worker down is not worth the calls beside it
AWAY = (DispatchError, api.ServerError, aiohttp.ClientError, TimeoutError)


async def attend(
    lk: api.LiveKitAPI, room: str, agent_name: str, *, caller_in_s: float = 0.0, found: Attendance | None = None
) -> Attendance:
    """Return when nobody in `room` has to wait for an agent in vain: send the agent again where it was lost.

    That is when the caller has an agent that answers, when no caller is there and none came within `caller_in_s`,
    when the room is closed, or when MAX_LOST agents were lost in it. `found` is a look from just before.
    Returns the last look.
    Raises what LiveKitAPI raises.
    """
    deadline = time.monotonic() + caller_in_s
    suspicious = False
    while True:
        found = found or await look(lk, room, agent_name)
        if found.state is State.NO_ROOM or (found.callers and found.state is State.ATTENDED):
            return found
        if not found.callers and time.monotonic() >= deadline:
            return found
        # A room without a dispatch of this agent is somebody else's.
        alone = found.state is State.ALONE and bool(found.dispatches)
        if found.callers and not found.dispatches:
            return found
        if alone and found.lost >= MAX_LOST:
            log.error("an agent is lost again and again, no other one is sent", room=room, lost=found.lost)
            return found
        if alone and suspicious:
            log.warning("a room has lost its agent, another one is sent", room=room, callers=len(found.callers))
            await send_again(lk, room, agent_name, found)
            alone = False
        suspicious = alone
        await asyncio.sleep(_pause_s(found, alone=alone))
        found = None


def _pause_s(found: Attendance, *, alone: bool) -> float:
    # Not in step with whoever else looks: of two who send an agent at once one has to be called back.
    apart_s = random.uniform(0.0, CONFIRM_S / 2)
    if alone and found.silent:
        return apart_s  # to ask an agent that does not answer was a pause; and this is no goodbye
    return apart_s + (CONFIRM_S if alone or found.callers else CHECK_S)


class Escorts:
    """`async with Escorts(lk, "firstword") as escorts:` ... `escorts.go(room)`: one task a room, ended at the end."""

    def __init__(self, lk: api.LiveKitAPI, agent_name: str, *, limit_s: float) -> None:
        self._lk = lk
        self._agent_name = agent_name
        self._limit_s = limit_s
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<Escorts {len(self._tasks)} on the way>"

    @property
    def on_the_way(self) -> int:
        """Callers who were admitted and are not in their room yet."""
        return len(self._tasks)

    def go(self, room: str) -> None:
        """Look after `room` until its caller is there and served, for at most `limit_s`."""
        task = asyncio.create_task(self._escort(room), name=f"escort to {room}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop looking; the rooms stay as they are. Any number of times."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _escort(self, room: str) -> None:
        # It was looked at, or made, just now; a look in the first word's way would cost that 5 to 10 ms.
        await asyncio.sleep(FIRST_LOOK_S)
        try:
            await attend(self._lk, room, self._agent_name, caller_in_s=self._limit_s)
        except AWAY as error:
            log.warning("a room that was handed out could not be looked at", room=room, reason=reason(error))


def reason(error: Exception) -> str:
    return str(error) or type(error).__name__
