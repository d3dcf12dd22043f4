"""What is left when a storm is over: rooms of callers who are gone, agents in them, and what the workers hold."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import aiohttp
from livekit import api

from bench.storm.fleet import Fleet, Held

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.storm.call import StormCall
    from bench.workers import Surroundings

# After CALLER_TIMEOUT: livekit-server notices a killed agent after its own timeouts and closes the room 20 s later.
CLOSE_LIMIT_S = 60.0
EMPTY_LIMIT_S = 30.0
LOOK_AGAIN_S = 0.1
# One look each and not a median, and connections to the providers come and go: far below what one call holds.
ALLOWED = Held(tasks=6, file_descriptors=12, threads=24, memory_mb=60)


@dataclass(frozen=True)
class Leftovers:
    """`clean_after_s`: the last caller's end to the moment when only the standby rooms were left, None if never.

    `empty_after_s`: the same for the end of the page's server and no room at all. `problems`: one line each.
    """

    clean_after_s: float | None
    empty_after_s: float | None
    problems: tuple[str, ...]


async def wait_for_standby(
    place: Surroundings, fleet: Fleet, calls: Sequence[StormCall], standby: int, limit_s: float
) -> tuple[float | None, list[str]]:
    """Wait until LiveKit has the standby rooms and no other, with one job each: after how long, and what was wrong.

    A moment in which it is so is enough: standby rooms are renewed all the time, and for a while there is one more.
    """
    of_calls = {call.room: call for call in calls if call.room is not None}
    begun = time.perf_counter()
    while True:
        rooms, jobs = await _room_names(place), await fleet.active_jobs()
        if len(rooms) == standby == jobs and not rooms & of_calls.keys():
            return time.perf_counter() - begun, []
        if time.perf_counter() - begun > limit_s:
            counted = f"after {limit_s:g} s: {len(rooms)} rooms and {_counted(jobs)}, not the {standby} standby ones"
            return None, [*await _told(place, of_calls), counted]
        await asyncio.sleep(LOOK_AGAIN_S)


async def wait_for_nothing(place: Surroundings, fleet: Fleet) -> tuple[float | None, list[str]]:
    """Wait until there is no room, no job and no open stream at the providers: after how long, what was wrong."""
    begun = time.perf_counter()
    while True:
        rooms, jobs, streams = await _room_names(place), await fleet.active_jobs(), await _provider_streams(place)
        if not rooms and jobs == 0 and not streams:
            return time.perf_counter() - begun, []
        if time.perf_counter() - begun > EMPTY_LIMIT_S:
            told = f"{len(rooms)} rooms, {_counted(jobs)} and {streams} streams at the providers, not 0"
            return None, [*await _told(place, {}), f"{EMPTY_LIMIT_S:g} s after the end of the page's server: {told}"]
        await asyncio.sleep(LOOK_AGAIN_S)


def most(held: Sequence[Held]) -> Held:
    """Of each the most that one of the workers holds. ValueError without workers."""
    return Held(**{field.name: max(getattr(each, field.name) for each in held) for field in fields(Held)})


def grown(before: Held, after: Held) -> list[str]:
    """A line for each thing that has grown by more than is ALLOWED."""
    lines: list[str] = []
    for field in fields(Held):
        by, allowed = (getattr(after, field.name) - getattr(before, field.name), getattr(ALLOWED, field.name))
        if by > allowed:
            lines.append(f"{field.name.replace('_', ' ')} of a worker grew by {by:g}, allowed {allowed:g}")
    return lines


def _counted(jobs: int | None) -> str:
    return "a worker that does not answer" if jobs is None else f"{jobs} jobs"


async def _room_names(place: Surroundings) -> set[str]:
    listed = await place.lk.room.list_rooms(api.ListRoomsRequest())
    return {room.name for room in listed.rooms}


async def _told(place: Surroundings, calls: Mapping[str, StormCall]) -> list[str]:
    """A line for each room that there is: whose it was, who is in it, and when livekit-server would close it."""
    lines: list[str] = []
    for room in (await place.lk.room.list_rooms(api.ListRoomsRequest())).rooms:
        call = calls.get(room.name)
        whose = "a standby room" if call is None else f"the room of call {call.number} ({call.fate})"
        found = await place.lk.room.list_participants(api.ListParticipantsRequest(room=room.name))
        present = ", ".join(participant.identity for participant in found.participants) or "nobody"
        age_s = time.time() - room.creation_time
        lines.append(f"{whose} is left, {age_s:.0f} s old with a limit of {room.empty_timeout} s, in it: {present}")
    return sorted(lines)


async def _provider_streams(place: Surroundings) -> int:
    async with aiohttp.ClientSession() as session, session.get(place.providers.stats_url) as answer:
        stats = await answer.json()
    return int(stats["soniox"]["open_streams"] + stats["elevenlabs"]["contexts_open"] + stats["openai"]["active"])
