"""A server in this process, and calls on it: dispatched by a real livekit-server, or without any room."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast
from uuid import uuid4

from livekit import api
from livekit.protocol import agent_dispatch, models

from runtime.server import build_server

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from livekit.agents import AgentServer, JobContext, JobProcess

    from runtime.shared_loop import CallPool, SharedLoopCall
    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings


def unused_name(prefix: str) -> str:
    return f"{prefix}-{uuid4().hex[:8]}"


def no_setup(_: JobProcess) -> None:
    return None


class Serving:
    """A running server. `ended` has each call that is over, when it is over."""

    def __init__(self, server: AgentServer, livekit: LocalLiveKit | None, agent_name: str) -> None:
        self.server = server
        self.ended: asyncio.Queue[SharedLoopCall] = asyncio.Queue()
        self._livekit = livekit
        self._agent_name = agent_name

    @property
    def calls(self) -> CallPool:
        return cast("CallPool", self.server._proc_pool)  # pyright: ignore[reportPrivateUsage]  # what is under test

    async def dispatch(self, room: str) -> agent_dispatch.AgentDispatch:
        """Ask livekit-server for an agent in `room`."""
        async with self.api() as lk:
            request = api.CreateAgentDispatchRequest(agent_name=self._agent_name, room=room)
            return await lk.agent_dispatch.create_dispatch(request)

    def api(self) -> api.LiveKitAPI:
        assert self._livekit is not None
        return api.LiveKitAPI(self._livekit.url, self._livekit.api_key, self._livekit.api_secret)

    async def fake_call(self) -> SharedLoopCall:
        """A call without a room, started by the server itself."""
        await self.server.simulate_job("none", fake_job=True, room_info=models.Room(name="none"))
        return cast("SharedLoopCall", self.calls.processes[-1])


@asynccontextmanager
async def serving(
    make_settings: MakeSettings,
    entrypoint: Callable[[JobContext], Awaitable[None]],
    *,
    livekit: LocalLiveKit | None = None,
    setup: Callable[[JobProcess], None] = no_setup,
    close_timeout_s: float | None = None,
    **fields: Any,
) -> AsyncGenerator[Serving]:
    """A server of the settings' kind until the end of the block; registered if there is a `livekit`."""
    if livekit is not None:
        fields |= {
            "livekit_url": livekit.url,
            "livekit_api_key": livekit.api_key,
            "livekit_api_secret": livekit.api_secret,
            "agent_name": unused_name("agent"),
        }
    settings = make_settings(health_port=0, **fields)
    server = build_server(settings, entrypoint=entrypoint, setup=setup)
    if close_timeout_s is not None:
        server._shutdown_process_timeout = close_timeout_s  # pyright: ignore[reportPrivateUsage]  # the framework's default is for people
    ready = asyncio.Event()
    server.on("worker_started" if livekit is None else "worker_registered", lambda *_: ready.set())  # pyright: ignore[reportUnknownLambdaType]  # the emitter is untyped
    running = asyncio.create_task(server.run(unregistered=livekit is None))
    try:
        await asyncio.wait([running, waiting := asyncio.create_task(ready.wait())], return_when="FIRST_COMPLETED")
        waiting.cancel()
        if running.done():
            await running
        it = Serving(server, livekit, settings.agent_name)
        it.calls.on("process_closed", it.ended.put_nowait)
        yield it
    finally:
        await server.aclose()
        await running
