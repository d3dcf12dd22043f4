"""A caller may leave at any moment, or never come: nothing of the call stays."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from livekit import api
from livekit.protocol.models import ParticipantInfo

from tests.harness import run_worker, settings_for

if TYPE_CHECKING:
    from service import Service
    from sim.livekit_server import LocalLiveKit
    from sim.providers import SimulatedProviders
    from tests.conftest import MakeSettings
    from tests.harness import Recorder, Worker


def tasks_of_calls() -> set[str]:
    """Names of the tasks that belong to a call; the rest is the worker's own."""
    return {task.get_name() for task in asyncio.all_tasks() if "job" in task.get_name() or "voice" in task.get_name()}


async def nothing_stays(worker: Worker, room: str) -> None:
    await worker.idle()
    assert room not in await worker.rooms()
    assert tasks_of_calls() == set()


@pytest.mark.parametrize("moment", ["as soon as connected", "when the first word is heard"])
async def test_caller_leaves_early(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    service: Service,
    recorder: Recorder,
    make_settings: MakeSettings,
    moment: str,
) -> None:
    """Whoever leaves before or during the greeting ends the call, and the log says who did."""
    async with run_worker(service, settings_for(make_settings, livekit, sim), livekit) as worker:
        room = await worker.open_room()
        async with worker.caller(room) as caller:
            if moment == "when the first word is heard":
                await caller.first_word(timeout_s=10)
            else:
                await agent_is_in(worker, room)
        call = await recorder.until("ended")
        assert call.ended_by == "caller"
        assert recorder.told == ["started", "ended"]
        await nothing_stays(worker, room)


async def test_caller_never_comes(
    livekit: LocalLiveKit, sim: SimulatedProviders, service: Service, recorder: Recorder, make_settings: MakeSettings
) -> None:
    """A room that is closed before anybody joined takes the waiting agent with it."""
    async with run_worker(service, settings_for(make_settings, livekit, sim), livekit) as worker:
        room = await worker.open_room()
        await agent_is_in(worker, room)
        await worker.api.room.delete_room(api.DeleteRoomRequest(room=room))
        call = await recorder.until("ended")
        assert call.turns == []
        assert call.start.get("first_audible_sample") is None
        await nothing_stays(worker, room)


async def test_room_is_gone_before_the_agent_comes(
    livekit: LocalLiveKit, sim: SimulatedProviders, service: Service, recorder: Recorder, make_settings: MakeSettings
) -> None:
    """A room that dies during the dispatch, which the agent's joining makes anew, is left after CALLER_TIMEOUT."""
    async with run_worker(service, settings_for(make_settings, livekit, sim, caller_timeout=1.0), livekit) as worker:
        gone = await worker.open_room()
        await worker.api.room.delete_room(api.DeleteRoomRequest(room=gone))
        call = await recorder.until("ended")
        assert call.ended_by == "no caller"
        await nothing_stays(worker, gone)


async def test_worker_that_stops_ends_its_calls(
    livekit: LocalLiveKit, sim: SimulatedProviders, service: Service, recorder: Recorder, make_settings: MakeSettings
) -> None:
    """Closing the worker in the middle of a greeting tells the observers and gives everything back."""
    async with run_worker(service, settings_for(make_settings, livekit, sim), livekit) as worker:
        async with worker.caller(await worker.open_room()) as caller:
            await caller.first_word(timeout_s=10)
            await worker.server.aclose()
            call = await recorder.until("ended")
            assert call.ended_by == "worker shutdown"
        assert worker.kit.tts.leased == 0


async def agent_is_in(worker: Worker, room: str) -> None:
    """Wait until the agent has published its voice in `room`."""
    async with asyncio.timeout(10):
        while True:
            found = await worker.api.room.list_participants(api.ListParticipantsRequest(room=room))
            if any(participant.tracks for participant in found.participants if participant.kind == 4):
                return
            await asyncio.sleep(0.05)


def native_sources() -> int:
    """Threads of published tracks, the callers' among them."""
    names = [task / "comm" for task in Path("/proc/self/task").iterdir()]
    return sum(name.read_text().startswith("AudioSource") for name in names if name.exists())


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads have names on Linux only")
async def test_a_room_that_is_closed_behind_its_caller_seldom_leaves_a_thread(
    livekit: LocalLiveKit, sim: SimulatedProviders, service: Service, recorder: Recorder, make_settings: MakeSettings
) -> None:
    """A backend that closes the room when it hears of the hang-up does not make the worker slower with each call.

    It asks for news all the time here, and may win the race on a busy machine; without `Voice.retract` it always does.
    """
    async with run_worker(service, settings_for(make_settings, livekit, sim), livekit) as worker:
        before = native_sources()
        for ended in range(1, 6):
            room = await worker.open_room()
            async with worker.caller(room) as caller:
                await caller.first_word(timeout_s=10)
            while await callers(worker, room):
                await asyncio.sleep(0.01)
            await close(worker, room)
            await recorder.until("ended", ended)
        await worker.idle()
        async with asyncio.timeout(10):
            while native_sources() > before + 2:
                await asyncio.sleep(0.05)


async def callers(worker: Worker, room: str) -> list[str]:
    try:
        listed = await worker.api.room.list_participants(api.ListParticipantsRequest(room=room))
    except api.ServerError:
        return []
    return [each.identity for each in listed.participants if each.kind == ParticipantInfo.Kind.STANDARD]


async def close(worker: Worker, room: str) -> None:
    with suppress(api.ServerError):
        await worker.api.room.delete_room(api.DeleteRoomRequest(room=room))
