"""Calls as tasks on one loop: side by side, apart from each other, and each with its own end."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import pytest
from livekit import api
from livekit.agents import JobContext, JobExecutorType, JobProcess, get_job_context
from livekit.agents.ipc.job_executor import JobStatus
from livekit.agents.job import JobAcceptArguments, RunningJobInfo
from livekit.protocol import agent, models
from structlog.contextvars import get_contextvars

from runtime.shared_loop import SharedLoopCall
from tests.runtime.serving import serving, unused_name
from utils.logging_config import bound_call_fields

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings


def fake_job() -> RunningJobInfo:
    return RunningJobInfo(
        accept_arguments=JobAcceptArguments(identity="agent", name="", metadata=""),
        job=agent.Job(id=unused_name("job"), room=models.Room(name="none"), type=agent.JobType.JT_ROOM),
        url="",
        token="",
        worker_id="worker",
        fake_job=True,
    )


def call_of(entrypoint: Callable[[JobContext], Awaitable[None]], *, close_timeout_s: float = 5.0) -> SharedLoopCall:
    return SharedLoopCall(
        job_process=JobProcess(executor_type=JobExecutorType.THREAD, user_arguments=None, http_proxy=None),
        entrypoint=entrypoint,
        session_end=None,
        session_end_timeout_s=5.0,
        close_timeout_s=close_timeout_s,
        inference=None,
    )


def own_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "runtime"]


async def stay(_: JobContext) -> None:
    """Return at once: the call then lives in its handlers."""


# Side by side, on a real livekit-server ----------------------------------------------------------


async def test_two_calls_share_the_loop_and_nothing_else(
    livekit: LocalLiveKit, make_settings: MakeSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """Both run at once; each has its own job, room, log fields and framework fields, also in its own tasks."""
    rooms = [unused_name("side"), unused_name("by")]
    both = asyncio.Barrier(2)
    found: dict[str, dict[str, Any]] = {}
    calls_log = logging.getLogger("test.calls")
    done = asyncio.Event()

    async def entrypoint(context: JobContext) -> None:
        await context.connect()
        context.log_context_fields = {"framework_field": context.room.name}
        with bound_call_fields(call=context.room.name):
            await both.wait()
            found[context.room.name] = await asyncio.create_task(look(context))
            calls_log.warning("seen", extra={"said_by": context.room.name})
            await both.wait()
        done.set()

    async def look(context: JobContext) -> dict[str, Any]:
        await asyncio.sleep(0)
        return {
            "loop": id(asyncio.get_running_loop()),
            "job": get_job_context().job.id == context.job.id,
            "room": get_job_context().room.name,
            "fields": get_contextvars(),
            "process": id(context.proc),
        }

    async with serving(make_settings, entrypoint, livekit=livekit) as it:
        before = get_contextvars()
        await asyncio.gather(*(it.dispatch(room) for room in rooms))
        await done.wait()
        assert sorted(job.job.room.name for job in it.server.active_jobs) == sorted(rooms)
        async with it.api() as lk:
            for room in rooms:
                await lk.room.delete_room(api.DeleteRoomRequest(room=room))
        for _ in rooms:
            await it.ended.get()
        assert get_contextvars() == before
    assert {name: each["fields"] for name, each in found.items()} == {room: {"call": room} for room in rooms}
    assert {name: each["room"] for name, each in found.items()} == {room: room for room in rooms}
    assert all(each["job"] for each in found.values())
    assert {each["loop"] for each in found.values()} == {id(asyncio.get_running_loop())}
    assert len({each["process"] for each in found.values()}) == 1
    lines = [vars(record) for record in caplog.records if record.name == "test.calls"]
    assert sorted((line["said_by"], line["framework_field"]) for line in lines) == sorted(
        (room, room) for room in rooms
    )


async def test_a_call_whose_room_is_deleted_ends(livekit: LocalLiveKit, make_settings: MakeSettings) -> None:
    """Its shutdown callbacks run, it counts as a success, and the worker is free again."""
    connected, reasons = asyncio.Event(), list[str]()

    async def entrypoint(context: JobContext) -> None:
        async def closing(reason: str) -> None:
            reasons.append(reason)

        context.add_shutdown_callback(closing)
        await context.connect()
        connected.set()

    async with serving(make_settings, entrypoint, livekit=livekit) as it:
        room = unused_name("deleted")
        await it.dispatch(room)
        await connected.wait()
        async with it.api() as lk:
            await lk.room.delete_room(api.DeleteRoomRequest(room=room))
        call = await it.ended.get()
        assert (call.status, reasons) == (JobStatus.SUCCESS, ["room disconnected"])
        while it.server.active_jobs:
            await asyncio.sleep(0)


async def test_a_call_that_livekit_takes_back_ends(livekit: LocalLiveKit, make_settings: MakeSettings) -> None:
    """A deleted dispatch terminates its job."""
    connected = asyncio.Event()

    async def entrypoint(context: JobContext) -> None:
        await context.connect()
        connected.set()

    async with serving(make_settings, entrypoint, livekit=livekit) as it:
        room = unused_name("taken-back")
        dispatch = await it.dispatch(room)
        await connected.wait()
        async with it.api() as lk:
            await lk.agent_dispatch.delete_dispatch(dispatch.id, room)
        assert (await it.ended.get()).status is JobStatus.SUCCESS


async def test_a_crash_ends_its_own_call_alone(livekit: LocalLiveKit, make_settings: MakeSettings) -> None:
    """The other call is still in its room, and only the one counts as failed."""
    good, bad = unused_name("good"), unused_name("bad")
    running = asyncio.Event()

    async def entrypoint(context: JobContext) -> None:
        await context.connect()
        if context.room.name == bad:
            raise ValueError("a bug in the agent")
        running.set()

    async with serving(make_settings, entrypoint, livekit=livekit) as it:
        await it.dispatch(good)
        await running.wait()
        await it.dispatch(bad)
        call = await it.ended.get()
        assert call.running_job is not None
        assert (call.running_job.job.room.name, call.status) == (bad, JobStatus.FAILED)
        while [job.job.room.name for job in it.server.active_jobs] != [good]:
            await asyncio.sleep(0)
        assert it.calls.processes[0].status is JobStatus.RUNNING


async def test_no_more_calls_than_max_calls_at_once(livekit: LocalLiveKit, make_settings: MakeSettings) -> None:
    """MAX_CALLS=1: the second call is refused while the first one runs, and the next one is taken after it."""
    began: asyncio.Queue[JobContext] = asyncio.Queue()

    async def entrypoint(context: JobContext) -> None:
        await context.connect()
        began.put_nowait(context)

    async with (
        serving(make_settings, entrypoint, livekit=livekit, max_calls=1) as it,
        serving(make_settings, entrypoint, livekit=livekit, max_calls=2) as other,
    ):
        first, second, witness, third = (unused_name(name) for name in ("first", "second", "witness", "third"))
        await it.dispatch(first)
        context = await began.get()
        await it.dispatch(second)
        # What was asked for later, of another worker, has begun: the second one was refused, not late.
        await other.dispatch(witness)
        assert (await began.get()).room.name == witness
        assert [job.job.room.name for job in it.server.active_jobs] == [first]
        context.shutdown("done")
        await it.ended.get()
        await it.dispatch(third)
        assert (await began.get()).room.name in (second, third)
        assert len(it.server.active_jobs) == 1


# One call, without a room ------------------------------------------------------------------------


async def test_the_setup_runs_once_before_the_first_call(make_settings: MakeSettings) -> None:
    """What it puts on the process is what every call finds."""
    prepared: list[JobProcess] = []
    seen: asyncio.Queue[Any] = asyncio.Queue()

    def setup(process: JobProcess) -> None:
        prepared.append(process)
        process.userdata["kit"] = "warm"

    async def entrypoint(context: JobContext) -> None:
        seen.put_nowait(context.proc.userdata["kit"])

    async with serving(make_settings, entrypoint, setup=setup) as it:
        assert len(prepared) == 1
        for _ in range(2):
            await it.fake_call()
            assert await seen.get() == "warm"
        assert len(prepared) == 1


async def test_closing_the_server_ends_its_calls(make_settings: MakeSettings) -> None:
    """Politely: each one's shutdown callbacks have run when `aclose` returns."""
    closed: list[str] = []
    began = asyncio.Semaphore(0)

    async def entrypoint(context: JobContext) -> None:
        async def closing(reason: str) -> None:
            closed.append(reason)

        context.add_shutdown_callback(closing)
        began.release()

    async with serving(make_settings, entrypoint) as it:
        for _ in range(3):
            await it.fake_call()
            await began.acquire()
        assert len(it.server.active_jobs) == 3
    assert closed == ["worker shutdown"] * 3
    assert it.calls.processes == []


async def test_the_pool_says_when_a_job_was_handed_over(make_settings: MakeSettings) -> None:
    """The framework's own dispatch times stay complete: `launched_at` is between begin and now."""
    async with serving(make_settings, stay) as it:
        call = await it.fake_call()
        assert call.running_job is not None
        assert call.running_job.launched_at > 0


async def test_an_entrypoint_that_hangs_is_cancelled_and_the_rest_closes_in_order(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """On a shared loop no process takes it down: it is cancelled, and the shutdown callbacks still run."""
    ends: list[str] = []

    async def entrypoint(context: JobContext) -> None:
        async def closing(reason: str) -> None:
            ends.append(reason)

        context.add_shutdown_callback(closing)
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("entrypoint")

    call = call_of(entrypoint, close_timeout_s=0.5)
    await call.launch_job(fake_job())
    await asyncio.sleep(0.05)
    with caplog.at_level("WARNING", logger="runtime"):
        await call.aclose()
    await call.join()
    assert ends == ["entrypoint", "worker shutdown"]
    assert call.status is JobStatus.SUCCESS
    assert own_lines(caplog) == ["call does not close, its entrypoint is cancelled"]


async def test_a_callback_that_hangs_is_given_up_after_the_limit(caplog: pytest.LogCaptureFixture) -> None:
    """The call counts as failed, a line says so, and nothing of it is left."""
    began = asyncio.Event()

    async def entrypoint(context: JobContext) -> None:
        context.add_shutdown_callback(hang)
        began.set()

    async def hang(_: str) -> None:
        await asyncio.Event().wait()

    call = call_of(entrypoint, close_timeout_s=0.1)
    await call.launch_job(fake_job())
    await began.wait()
    with caplog.at_level("WARNING", logger="runtime"):
        await call.aclose()
    await call.join()
    assert call.status is JobStatus.FAILED
    assert own_lines(caplog)[-1] == "call did not close in time"


async def test_closing_before_the_begin_after_the_end_and_twice_is_nothing() -> None:
    """Whoever closes second waits for the first."""
    call = call_of(stay)
    await call.aclose()
    await call.start()
    await call.initialize()
    await call.launch_job(fake_job())
    assert call.status is JobStatus.RUNNING
    await asyncio.gather(call.aclose(), call.aclose())
    await call.join()
    await call.aclose()
    assert call.status is JobStatus.SUCCESS


async def test_a_call_runs_one_job() -> None:
    """A second one is a bug of the pool."""
    call = call_of(stay)
    assert call.running_job is None
    info = fake_job()
    await call.launch_job(info)
    assert call.running_job is info
    with pytest.raises(RuntimeError, match="already runs a job"):
        await call.launch_job(fake_job())
    await call.aclose()


async def test_what_the_framework_asks_of_a_call() -> None:
    """An id in its log fields, started from the first moment, and the server's arguments."""
    call = call_of(stay)
    call.user_arguments = {"a": 1}
    assert (call.started, call.user_arguments, call.logging_extra()) == (True, {"a": 1}, {"call": call.id})


async def test_a_model_that_needs_an_inference_process_says_that_there_is_none() -> None:
    """The message names the method and what is not enabled."""
    failures: asyncio.Queue[str] = asyncio.Queue()

    async def entrypoint(context: JobContext) -> None:
        try:
            await context.inference_executor.do_inference("lk_end_of_utterance", b"")
        except RuntimeError as error:
            failures.put_nowait(str(error))

    call = call_of(entrypoint)
    await call.launch_job(fake_job())
    assert "lk_end_of_utterance: no inference process runs" in await failures.get()
    await call.aclose()
