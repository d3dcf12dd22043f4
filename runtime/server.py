"""The worker's server for one process, by the settings."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

from livekit.agents import AgentServer, JobExecutorType

from runtime.shared_loop import SharedLoopServer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from livekit.agents import JobContext, JobProcess

    from config import Settings

FULL_LOAD = 0.7  # livekit-server sends no call to a worker that tells as much (its agents.target_load)
IDLE_PROCESSES = 2  # ready processes of ISOLATION=process; each costs about 200 MB


def build_server(
    settings: Settings,
    *,
    entrypoint: Callable[[JobContext], Awaitable[None]],
    setup: Callable[[JobProcess], None],
) -> AgentServer:
    """A server that is registered under AGENT_NAME and takes at most MAX_CALLS calls at once.

    `setup` is called once per process, before its first call. With ISOLATION=process both functions cross
    a process border: they must be importable by name.
    """
    shared = settings.isolation == "shared"

    def load(server: AgentServer) -> float:
        # Calls, not CPU: a busy neighbour on the machine must not make a worker refuse what it could hold.
        return FULL_LOAD * (len(server.active_jobs) / settings.max_calls)

    secret = settings.livekit_api_secret
    kind = (
        functools.partial(SharedLoopServer, loop_block_warn_ms=settings.loop_block_warn_ms) if shared else AgentServer
    )
    server = kind(
        ws_url=settings.livekit_url,
        api_key=settings.livekit_api_key,
        api_secret=secret.get_secret_value() if secret else None,
        job_executor_type=JobExecutorType.THREAD if shared else JobExecutorType.PROCESS,
        # On a shared loop nothing idles: the number is only the server's estimate of one call's load.
        num_idle_processes=settings.max_calls if shared else min(IDLE_PROCESSES, settings.max_calls),
        setup_fnc=setup,
        load_fnc=load,
        load_threshold=FULL_LOAD,
        host=settings.health_host,
        port=settings.health_port,
        prometheus_port=settings.prometheus_port,
        drain_timeout=math.ceil(settings.drain_timeout),
    )
    server.rtc_session(entrypoint, agent_name=settings.agent_name)
    return server
