"""One worker process: run, drain, stop."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents import AgentServer

log = get_logger("runtime")

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class CannotServe(Exception):
    """The worker could not start or lost its server for good; the message says what to look at."""


async def run_worker(server: AgentServer, *, drain_timeout_s: float, on_ready: Callable[[], None]) -> None:
    """Serve calls until a signal: the first one drains, a second one ends the calls that still run.

    `on_ready` is called at each registration with LiveKit. Raises `CannotServe`.
    """
    loop = asyncio.get_running_loop()
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, signals.put_nowait, number)

    def registered(_id: str, _info: object) -> None:
        on_ready()

    server.on("worker_registered", registered)
    try:
        running = asyncio.create_task(_run(server), name="server")
        first = asyncio.create_task(signals.get(), name="stop signal")
        await asyncio.wait([running, first], return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            await _drain(server, signals, drain_timeout_s)
            await server.aclose()
        first.cancel()
        await running
    finally:
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)


async def _run(server: AgentServer) -> None:
    try:
        await server.run()
    except (OSError, RuntimeError) as error:
        await server.aclose()
        raise CannotServe(_explain(error)) from error


async def _drain(server: AgentServer, signals: asyncio.Queue[signal.Signals], limit_s: float) -> None:
    """Take no new calls and wait for the running ones: until they end, the limit is over, or told twice."""
    calls = len(server.active_jobs)
    if not calls:
        return
    log.info("draining", calls=calls, limit_s=limit_s)
    draining = asyncio.create_task(server.drain(timeout=None), name="drain")
    again = asyncio.create_task(signals.get(), name="second stop signal")
    await asyncio.wait([draining, again], timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    for task in (draining, again):
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    if server.active_jobs:
        log.warning("calls are ended before their time", calls=len(server.active_jobs))


def _explain(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"the health port cannot be opened: {error.strerror or error}; set HEALTH_PORT (0 picks a free one)"
    return f"{error}; check LIVEKIT_URL and the keys with `python agent.py doctor`"
