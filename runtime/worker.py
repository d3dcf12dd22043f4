"""One worker process: run, drain, stop."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from runtime.rescue import NoRescue
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents import AgentServer

    from runtime.rescue import Rescue

log = get_logger("runtime")

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
RELEASE_S = 2.0


class CannotServe(Exception):
    """The worker could not start or lost its server for good; the message says what to look at."""


async def run_worker(
    server: AgentServer, *, drain_timeout_s: float, on_ready: Callable[[], None], rescue: Rescue | None = None
) -> None:
    """Serve calls until a signal: the first one drains, a second one ends the calls that still run.

    `on_ready` is called at each registration with LiveKit. `rescue` is asked at the same time to look for callers
    whose agent died, and at the end to find agents elsewhere for those whom this worker leaves. Raises `CannotServe`.
    """
    rescue = rescue or NoRescue()
    loop = asyncio.get_running_loop()
    signals: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, signals.put_nowait, number)

    def registered(_id: str, _info: object) -> None:
        on_ready()
        rescue.look()

    server.on("worker_registered", registered)
    try:
        running = asyncio.create_task(_run(server), name="server")
        first = asyncio.create_task(signals.get(), name="stop signal")
        await asyncio.wait([running, first], return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            left = await _drain(server, signals, drain_timeout_s, rescue)
            await server.aclose()
            if left:
                await rescue.hand_over(left)
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


async def _drain(
    server: AgentServer, signals: asyncio.Queue[signal.Signals], limit_s: float, rescue: Rescue
) -> list[str]:
    """Take no new calls and wait for the running ones: until they end, the limit is over, or told twice.

    Returns the rooms of the callers to find another agent for: whoever tells it twice wants an end, not a move.
    """
    calls = len(server.active_jobs)
    if not calls:
        return []
    log.info("draining", calls=calls, limit_s=limit_s)
    draining = asyncio.create_task(server.drain(timeout=None), name="drain")
    releasing = asyncio.create_task(_release(server, rescue), name="release")
    again = asyncio.create_task(signals.get(), name="second stop signal")
    await asyncio.wait([draining, again], timeout=limit_s, return_when=asyncio.FIRST_COMPLETED)
    told_twice = again.done()
    for task in (draining, releasing, again):
        task.cancel()
    await asyncio.gather(draining, releasing, again, return_exceptions=True)
    left = _rooms(server)
    if left:
        log.warning("calls are ended before their time", calls=len(left))
    return [] if told_twice else left


async def _release(server: AgentServer, rescue: Rescue) -> None:
    """Agents whose caller has not come yet do not hold up a drain; nor does one that was sent for in its moment."""
    released: set[str] = set()
    while True:
        # A call needs a while to close, and a second release would call back the agent that the first one sent.
        rooms = [room for room in _rooms(server) if room not in released]
        released.update(rooms)
        await rescue.release(rooms)
        await asyncio.sleep(RELEASE_S)


def _rooms(server: AgentServer) -> list[str]:
    return [info.job.room.name for info in server.active_jobs]


def _explain(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"the health port cannot be opened: {error.strerror or error}; set HEALTH_PORT (0 picks a free one)"
    return f"{error}; check LIVEKIT_URL and the keys with `python agent.py doctor`"
