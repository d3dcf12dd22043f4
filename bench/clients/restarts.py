"""livekit-server killed and started again under load: what is lost, what sent twice, how soon is it answered again."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from livekit import api

from bench.clients.calls import NO_ANSWER, key_of
from bench.clients.plan import kinds, outages_s
from bench.clients.results import Asked, Restart
from rooms.clients.errors import NoClient, NotReached
from rooms.clients.pool import ClientPool
from rooms.clients.repetition import was_not_sent
from sim.counting_relay import CountingRelay

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.clients.plan import Kind, Options
    from rooms.performance.sections import ConnectionPool
    from sim.livekit_server import LocalLiveKit

RECOVERY_LIMIT_S = 20.0
ROOM = "bench-clients"


@dataclass
class _Open:
    """A request on its way; times are `time.monotonic()`."""

    kind: Kind
    mark: str
    at_s: float
    done_s: float | None = None
    error: str = ""
    unsent: bool = False


@dataclass
class _Load:
    """`rate` requests a second, whether those before are answered or not."""

    pool: ClientPool
    options: Options
    asked: list[_Open] = field(default_factory=list[_Open])
    tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def run(self) -> None:
        began_s = time.monotonic()
        for number, kind in enumerate(kinds(self.options)):
            await asyncio.sleep(began_s + number / self.options.rate - time.monotonic())
            each = _Open(kind, f"mark-{number:06d}", time.monotonic())
            self.asked.append(each)
            task = asyncio.create_task(self._ask(each))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _ask(self, each: _Open) -> None:
        try:
            async with self.pool.client() as lk:
                await _send(lk, each)
        except NO_ANSWER as error:
            each.error = f"{type(error).__name__}: {error}"
            each.unsent = was_not_sent(error) or isinstance(error, (NoClient, NotReached))
        each.done_s = time.monotonic()


async def measure_restarts(
    livekit: LocalLiveKit, options: Options, told: Callable[[], None], settings: ConnectionPool | None = None
) -> tuple[tuple[Asked, ...], tuple[Restart, ...]]:
    """`livekit` runs, and is killed and started again as often as `options` says; `told` is called after each.

    A relay stands before it, which counts what arrives; while the server is down, the relay refuses connections.
    """
    connected_s: list[float] = []
    restarts: list[Restart] = []
    async with CountingRelay(livekit.ports.http) as relay:
        pool = ClientPool(
            [relay.url], key_of(livekit), settings, on_connect=lambda: connected_s.append(time.monotonic())
        )
        async with pool:
            load = _Load(pool, options)
            began_s = time.monotonic()
            running = asyncio.create_task(load.run(), name="load")
            try:
                for outage_s in outages_s(options):
                    await asyncio.sleep(options.quiet_s)
                    restarts.append(await _restart(livekit, relay, load, outage_s, connected_s, began_s))
                    told()
                await asyncio.sleep(options.quiet_s)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
                await asyncio.gather(*load.tasks, return_exceptions=True)
        asked = tuple(
            Asked(
                each.kind,
                (each.at_s - began_s) * 1000,
                ((each.done_s or each.at_s) - each.at_s) * 1000,
                relay.marks[each.mark],
                each.error,
                each.unsent,
            )
            for each in load.asked
        )
    return asked, tuple(restarts)


async def _restart(
    livekit: LocalLiveKit,
    relay: CountingRelay,
    load: _Load,
    outage_s: float,
    connected_s: list[float],
    began_s: float,
) -> Restart:
    killed_s = time.monotonic()
    os.kill(livekit.pid, signal.SIGKILL)
    relay.shut()
    await livekit.stop()
    await asyncio.sleep(killed_s + outage_s - time.monotonic())
    await livekit.start()
    relay.target = livekit.ports.http
    await relay.open()
    back_s = time.monotonic()
    first_s = await _until(lambda: min(_answered_after(load, back_s), default=None))
    caught_up_s = await _until(lambda: _caught_up(load, back_s))
    until_s = caught_up_s or time.monotonic()
    return Restart(
        (killed_s - began_s) * 1000,
        (back_s - killed_s) * 1000,
        None if first_s is None else (first_s - killed_s) * 1000,
        None if caught_up_s is None else (caught_up_s - killed_s) * 1000,
        tuple((at_s - killed_s) * 1000 for at_s in connected_s if killed_s <= at_s <= until_s),
    )


async def _until(found: Callable[[], float | None]) -> float | None:
    until_s = time.monotonic() + RECOVERY_LIMIT_S
    while time.monotonic() < until_s:
        at_s = found()
        if at_s is not None:
            return at_s
        await asyncio.sleep(0.01)
    return None


def _answered_after(load: _Load, back_s: float) -> list[float]:
    return [each.done_s for each in load.asked if each.done_s is not None and each.done_s > back_s and not each.error]


def _caught_up(load: _Load, back_s: float) -> float | None:
    """When the last request from before it was back has ended."""
    before = [each.done_s for each in load.asked if each.at_s <= back_s]
    ended = [done_s for done_s in before if done_s is not None]
    return max([back_s, *ended]) if len(ended) == len(before) else None


async def _send(lk: api.LiveKitAPI, each: _Open) -> None:
    """The mark goes once over the wire."""
    if each.kind == "read":
        await lk.room.list_rooms(api.ListRoomsRequest(names=[each.mark]))
    elif each.kind == "create":
        await lk.room.create_room(api.CreateRoomRequest(name=each.mark, empty_timeout=1))
    else:
        await lk.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(agent_name="nobody", room=ROOM, metadata=each.mark)
        )
