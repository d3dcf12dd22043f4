"""One worker process: how it is asked to stop, and what it says when it cannot serve."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import pytest
from livekit import api

from runtime.server import build_server
from runtime.worker import RELEASE_S, CannotServe, run_worker
from tests.runtime.serving import no_setup, unused_name
from utils.child_process import ChildProcess

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from livekit.agents import JobContext

    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings

ROOT = Path(__file__).parents[2]


class Lines:
    """The output of a process, to be waited for."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._news = asyncio.Event()

    def __call__(self, line: str) -> None:
        self.all.append(line)
        self._news.set()

    async def match(self, pattern: str) -> re.Match[str]:
        while True:
            found = next(filter(None, (re.search(pattern, line) for line in self.all)), None)
            if found is not None:
                return found
            self._news.clear()
            await self._news.wait()


class Worker:
    """A worker process that is registered with `livekit`."""

    def __init__(self, livekit: LocalLiveKit, process: ChildProcess, lines: Lines, agent_name: str) -> None:
        self._livekit = livekit
        self._process = process
        self._agent_name = agent_name
        self.lines = lines

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        os.kill(self._process.pid, number)

    async def ends(self) -> int:
        return await self._process.wait()

    async def call(self) -> str:
        """A call in a room of its own; returns the room's name when it has begun."""
        room = unused_name("room")
        async with self.api() as lk:
            request = api.CreateAgentDispatchRequest(agent_name=self._agent_name, room=room)
            await lk.agent_dispatch.create_dispatch(request)
        await self.lines.match("call begins")
        return room

    def api(self) -> api.LiveKitAPI:
        return api.LiveKitAPI(self._livekit.url, self._livekit.api_key, self._livekit.api_secret)


@asynccontextmanager
async def worker(livekit: LocalLiveKit, **environment: str) -> AsyncGenerator[Worker]:
    lines, agent_name = Lines(), unused_name("agent")
    process = ChildProcess(
        [sys.executable, "-m", "tests.runtime.worker_process"],
        name="worker",
        cwd=ROOT,
        env={
            **os.environ,
            "LIVEKIT_URL": livekit.url,
            "LIVEKIT_API_KEY": livekit.api_key,
            "LIVEKIT_API_SECRET": livekit.api_secret,
            "AGENT_NAME": agent_name,
            "HEALTH_PORT": "0",
            **environment,
        },
        on_line=lines,
    )
    async with process:
        await lines.match("^look$")
        yield Worker(livekit, process, lines, agent_name)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_an_idle_worker_stops_at_once(livekit: LocalLiveKit, number: signal.Signals) -> None:
    """Exit code 0, whoever asks: an orchestrator or Ctrl-C. Until then its health endpoint answers."""
    async with worker(livekit) as it:
        port = (await it.lines.match(r"ready on (\d+)"))[1]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/") as answer:
                assert answer.status == 200
            async with session.get(f"http://127.0.0.1:{port}/worker") as answer:
                assert (await answer.json())["agent_name"].startswith("agent-")
        it.signal(number)
        assert await it.ends() == 0
        assert it.lines.all[-1] == "stopped"


@pytest.mark.parametrize("isolation", ["shared", "process"])
async def test_a_worker_that_is_told_to_stop_lets_its_call_end(livekit: LocalLiveKit, isolation: str) -> None:
    """Drained: the call goes on until its room is closed, in this process or one of its own; then exit code 0."""
    async with worker(livekit, ISOLATION=isolation, DRAIN_TIMEOUT="30") as it:
        room = await it.call()
        pid = int((await it.lines.match(r"call begins in (\d+), prepared: True"))[1])
        assert (pid == it.pid) is (isolation == "shared")
        it.signal(signal.SIGTERM)
        await it.lines.match("draining")
        assert not [line for line in it.lines.all if "call ends" in line]
        async with it.api() as lk:
            await lk.room.delete_room(api.DeleteRoomRequest(room=room))
        assert await it.ends() == 0
        await it.lines.match("call ends: room disconnected")


async def test_a_second_signal_ends_the_calls_that_still_run(livekit: LocalLiveKit) -> None:
    """Long before the drain limit, and still in order: the call is told, exit code 0; nobody is to take it over."""
    async with worker(livekit, DRAIN_TIMEOUT="1000") as it:
        await it.call()
        it.signal(signal.SIGTERM)
        await it.lines.match("draining")
        it.signal(signal.SIGTERM)
        assert await it.ends() == 0
        await it.lines.match("call ends: worker shutdown")
        assert not [line for line in it.lines.all if line.startswith("hand over")]


async def test_draining_has_a_limit(livekit: LocalLiveKit) -> None:
    """DRAIN_TIMEOUT: then the calls are ended, a line says how many, and their callers are handed over."""
    async with worker(livekit, DRAIN_TIMEOUT="0.2") as it:
        room = await it.call()
        it.signal(signal.SIGTERM)
        assert await it.ends() == 0
        await it.lines.match("calls are ended before their time")
        told = [line for line in it.lines.all if line.startswith(("call ends", "hand over"))]
        assert told == ["call ends: worker shutdown", f"hand over {room}"]


async def test_callers_are_looked_for_at_the_start_and_the_drain_is_told(livekit: LocalLiveKit) -> None:
    """A worker that registers looks; one that drains gives each of its rooms away, once."""
    async with worker(livekit, DRAIN_TIMEOUT="1000") as it:
        assert it.lines.all.count("look") == 1
        room = await it.call()
        it.signal(signal.SIGTERM)
        await it.lines.match(f"release {room}")
        await asyncio.sleep(1.5 * RELEASE_S)  # the next round has been
        async with it.api() as lk:
            await lk.room.delete_room(api.DeleteRoomRequest(room=room))
        assert await it.ends() == 0
        assert it.lines.all.count(f"release {room}") == 1


# In this process ---------------------------------------------------------------------------------


async def entrypoint(_: JobContext) -> None:
    return None


async def test_a_health_port_that_is_taken_is_said_in_one_line(make_settings: MakeSettings) -> None:
    """The message names the setting and the way out."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = make_settings(
            health_port=taken.getsockname()[1],
            livekit_url="ws://127.0.0.1:1",
            livekit_api_key="k",
            livekit_api_secret="s",
        )
        server = build_server(settings, entrypoint=entrypoint, setup=no_setup)
        with pytest.raises(CannotServe, match=r"health port cannot be opened: .*; set HEALTH_PORT"):
            await run_worker(server, drain_timeout_s=1, on_ready=lambda: None)


class Unreachable:
    """A server that gives up on LiveKit, which takes the real one minutes."""

    def __init__(self) -> None:
        self.closed = False
        self.active_jobs: list[object] = []

    def on(self, _: str, __: object) -> Self:
        return self

    def off(self, _: str, __: object) -> Self:
        return self

    async def run(self) -> None:
        raise RuntimeError("failed to connect to livekit after 16 attempts")

    async def aclose(self) -> None:
        self.closed = True


async def test_a_livekit_that_is_lost_for_good_is_said_in_one_line() -> None:
    """The framework's reason, and what to check; the server is closed."""
    server: Any = Unreachable()
    with pytest.raises(CannotServe, match=r"after 16 attempts; check LIVEKIT_URL and the keys"):
        await run_worker(server, drain_timeout_s=1, on_ready=lambda: None)
    assert server.closed


async def test_the_signals_are_given_back() -> None:
    """After the worker's end they do again what they did before any worker."""
    server: Any = Unreachable()
    with pytest.raises(CannotServe):
        await run_worker(server, drain_timeout_s=1, on_ready=lambda: None)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
