"""The worker's server, by the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from livekit.agents import AgentServer, JobContext, JobExecutorType

from runtime.server import FULL_LOAD, IDLE_PROCESSES, build_server
from runtime.shared_loop import SharedLoopServer
from tests.runtime.serving import no_setup, serving

if TYPE_CHECKING:
    from tests.conftest import MakeSettings

LIVEKIT = {"livekit_url": "ws://127.0.0.1:1", "livekit_api_key": "key", "livekit_api_secret": "secret"}


async def entrypoint(_: JobContext) -> None:
    return None


def built(make_settings: MakeSettings, **fields: Any) -> dict[str, Any]:
    """The server's private attributes: the framework shows its options nowhere else."""
    return vars(build_server(make_settings(**fields), entrypoint=entrypoint, setup=no_setup))


@pytest.mark.parametrize(
    ("isolation", "kind", "executor", "idle"),
    [
        ("shared", SharedLoopServer, JobExecutorType.THREAD, 7),
        ("process", AgentServer, JobExecutorType.PROCESS, IDLE_PROCESSES),
    ],
)
def test_isolation_chooses_who_runs_the_calls(
    make_settings: MakeSettings, isolation: str, kind: type[AgentServer], executor: JobExecutorType, idle: int
) -> None:
    """ISOLATION: our loop for all calls, or the stock pool with a process each."""
    settings = make_settings(isolation=isolation, max_calls=7)
    server = build_server(settings, entrypoint=entrypoint, setup=no_setup)
    assert type(server) is kind
    assert (vars(server)["_job_executor_type"], vars(server)["_num_idle_processes"]) == (executor, idle)


def test_one_call_at_once_needs_one_ready_process(make_settings: MakeSettings) -> None:
    """Ready processes beyond MAX_CALLS would only cost memory."""
    assert built(make_settings, isolation="process", max_calls=1)["_num_idle_processes"] == 1


@pytest.mark.parametrize("isolation", ["shared", "process"])
def test_the_settings_reach_the_server(make_settings: MakeSettings, isolation: str) -> None:
    """LIVEKIT_*, AGENT_NAME, HEALTH_HOST, HEALTH_PORT, PROMETHEUS_PORT and DRAIN_TIMEOUT."""
    found = built(
        make_settings,
        isolation=isolation,
        agent_name="front-desk",
        health_host="127.0.0.2",
        health_port=8099,
        prometheus_port=9099,
        drain_timeout=12.2,
        **LIVEKIT,
    )
    assert (found["_ws_url"], found["_api_key"], found["_api_secret"]) == tuple(LIVEKIT.values())
    assert (found["_agent_name"], found["_host"], found["_port"]) == ("front-desk", "127.0.0.2", 8099)
    assert (found["_prometheus_port"], found["_drain_timeout"]) == (9099, 13)


async def test_the_load_is_the_share_of_the_calls_that_may_run(make_settings: MakeSettings) -> None:
    """MAX_CALLS=2: 0, a half, full; and full is not available, whatever the processor does."""
    async with serving(make_settings, entrypoint, max_calls=2) as it:
        server = it.server
        loads: list[float] = []
        available: list[bool] = []
        for _ in range(3):
            loads.append(await server._invoke_load_fnc())  # pyright: ignore[reportPrivateUsage]  # what is asked at each request
            await server._refresh_worker_load()  # pyright: ignore[reportPrivateUsage]  # the same
            available.append(server._is_available())  # pyright: ignore[reportPrivateUsage]  # the same
            await it.fake_call()
    assert (loads, available) == ([0.0, FULL_LOAD / 2, FULL_LOAD], [True, True, False])
