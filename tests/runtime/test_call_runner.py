"""A call ends whatever its code does, with all of its callbacks, and no other call notices."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest
from livekit import api
from livekit.agents import Agent, AgentSession
from livekit.agents.ipc.job_executor import JobStatus
from livekit.agents.utils import http_context

from tests.runtime.serving import Serving, serving, unused_name

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import aiohttp
    from livekit.agents import JobContext

    from runtime.shared_loop import SharedLoopCall
    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings


async def fails() -> None:
    raise ValueError("a bug")


async def exits() -> None:
    sys.exit(3)


async def is_cancelled() -> None:
    """As what waits for a task that somebody else has cancelled."""
    raise asyncio.CancelledError


FAULTS = [fails, exits, is_cancelled]


class Neighbour:
    """A call beside the one under test, which goes on."""

    def __init__(self) -> None:
        self.works = asyncio.Event()
        self._ask = asyncio.Event()

    async def serve(self) -> None:
        await self._ask.wait()
        self.works.set()

    async def still_works(self) -> bool:
        self._ask.set()
        await self.works.wait()
        return True


async def fake_pair(it: Serving) -> SharedLoopCall:
    """The neighbour's call, then the one under test, which is returned."""
    await it.fake_call()
    return await it.fake_call()


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_entrypoint_that_goes_wrong_ends_its_call_alone(
    make_settings: MakeSettings, fault: Callable[[], Awaitable[None]]
) -> None:
    """It counts as failed, its shutdown callbacks run, and the worker serves the other call."""
    neighbour, reasons, first = Neighbour(), list[str](), True

    async def entrypoint(context: JobContext) -> None:
        nonlocal first
        if first:
            first = False
            await neighbour.serve()
            return

        async def closing(reason: str) -> None:
            reasons.append(reason)

        context.add_shutdown_callback(closing)
        await fault()

    async with serving(make_settings, entrypoint) as it:
        call = await fake_pair(it)
        assert await it.ended.get() is call
        assert (call.status, reasons) == (JobStatus.FAILED, ["job crashed"])
        assert await neighbour.still_works()
        assert len(it.server.active_jobs) == 1


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_shutdown_callback_that_goes_wrong_takes_no_other_one_along(
    make_settings: MakeSettings, caplog: pytest.LogCaptureFixture, fault: Callable[[], Awaitable[None]]
) -> None:
    """The call is over only when the others have ended, and the log names the one that failed."""
    ends: list[str] = []

    async def entrypoint(context: JobContext) -> None:
        async def takes_time(_: str) -> None:
            await asyncio.sleep(0.1)
            ends.append("closed")

        async def goes_wrong() -> None:
            await fault()

        context.add_shutdown_callback(goes_wrong)
        context.add_shutdown_callback(takes_time)
        context.shutdown("done")

    async with serving(make_settings, entrypoint) as it:
        call = await it.fake_call()
        assert await it.ended.get() is call
        assert (ends, call.status) == (["closed"], JobStatus.SUCCESS)
    failed = [
        vars(record)["callback"] for record in caplog.records if record.getMessage() == "a shutdown callback failed"
    ]
    assert [name.rpartition(".")[2] for name in failed] == ["goes_wrong"]


async def test_each_call_has_an_http_session_of_its_own(make_settings: MakeSettings) -> None:
    """The end of one closes its own, and the other one's stays open."""
    sessions: list[aiohttp.ClientSession] = []
    has_one = asyncio.Semaphore(0)

    async def entrypoint(_: JobContext) -> None:
        sessions.append(http_context.http_session())
        has_one.release()

    async with serving(make_settings, entrypoint) as it:
        await it.fake_call()
        await has_one.acquire()
        call = await it.fake_call()
        await has_one.acquire()
        await call.aclose()
        assert [session.closed for session in sessions] == [False, True]
    assert [session.closed for session in sessions] == [True, True]


async def test_a_session_that_does_not_close_leaves_its_room_all_the_same(
    livekit: LocalLiveKit, make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """A handler's TypeError breaks the framework's close off: the rest is closed, each callback once."""
    ends: list[str] = []
    connected: asyncio.Queue[JobContext] = asyncio.Queue()

    async def entrypoint(context: JobContext) -> None:
        async def closing() -> None:
            ends.append("closed")

        def with_a_bug(_: object) -> None:
            raise TypeError("unsupported operand")

        context.add_shutdown_callback(closing)
        session = AgentSession[None]()
        session.on("close", with_a_bug)
        await session.start(Agent(instructions=""), room=context.room)
        connected.put_nowait(context)

    async with serving(make_settings, entrypoint, livekit=livekit) as it:
        room = unused_name("left")
        await it.dispatch(room)
        context = await connected.get()
        context.shutdown("done")
        call = await it.ended.get()
        assert (ends, context.room.isconnected(), call.status) == (["closed"], False, JobStatus.SUCCESS)
        async with it.api() as lk:
            while (await lk.room.list_participants(api.ListParticipantsRequest(room=room))).participants:
                await asyncio.sleep(0.05)
    assert "the call did not close in order, what is left is closed" in [
        record.getMessage() for record in caplog.records
    ]
