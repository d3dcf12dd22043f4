"""Many callers through standby rooms, most of whom stay, while workers are restarted and killed."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
import numpy as np
from aiohttp import web
from livekit import api

from bench.aside import progress, tell
from bench.machine import Machine, this_machine
from bench.measure import leave_nothing
from bench.storm.call import QUIET_LIMIT_S, Entrance, Scene, StormCall, make_call
from bench.storm.fleet import AGENT_NAME, Fleet, Held, Kill, Restart
from bench.storm.hearing import Heard, Reference
from bench.storm.leftovers import CLOSE_LIMIT_S, Leftovers, grown, most, wait_for_nothing, wait_for_standby
from bench.storm.plan import HEARS, Options, Plan, PlannedCaller, Shake, plan
from bench.storm.pulse import Pulse
from bench.workers import BenchError, Surroundings
from sim.caller import Caller, CallerError
from sim.livekit_binary import default_cache_dir, find_livekit_server
from sim.livekit_server import LocalLiveKit
from sim.publisher import measure_floor_ms
from web.server import page_app

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from sim.waveform import Pcm

FLOOR_CALLS = 10
FILL_LIMIT_S = 60.0
QUIET_CALLS = 3  # at once
QUIET_ROUNDS = 4
END_MS = 1000.0  # longer than any pause of the greeting
ALIKE_MS = 60.0
VICTIM_LIMIT_S = 15.0
LOOK_AGAIN_S = 0.05
CALLS_PER_CORE = 2  # at once; the callers, the workers, their successors and livekit-server share the cores
UNSURE_LIMIT = 0.2  # of the callers who stay
KEPT_LINES = 2000


@dataclass(frozen=True)
class StormReport:
    """All that was seen. `floor_ms`: callers who join a room that sounds already, before the storm.

    `greeting_ms`: the greeting in a quiet call, first sound to last. `held_before`, `held_after`: the most that one
    worker held, without a call. `took_s`: from the storm's begin until nothing was left. `lines`: what the workers
    wrote.
    """

    options: Options
    machine: Machine
    floor_ms: tuple[float, ...]
    greeting_ms: float
    calls: tuple[StormCall, ...]
    restarts: tuple[Restart, ...]
    kills: tuple[Kill, ...]
    leftovers: Leftovers
    held_before: Held
    held_after: Held
    took_s: float
    lines: tuple[str, ...]

    @property
    def failures(self) -> list[str]:
        """A line each. The same seed and options bring the same caller again."""
        lost = [
            f"seed {self.options.seed}, call {call.number} ({call.fate}): {call.failed}"
            for call in self.calls
            if call.failed is not None
        ]
        unsure = len(self.unsure)
        if unsure > UNSURE_LIMIT * sum(call.fate in HEARS for call in self.calls):
            lost.append(f"{unsure} callers could not be judged, this machine is too busy")
        restarts = [each.failed for each in self.restarts if each.failed is not None]
        return [*lost, *restarts, *self.leftovers.problems, *grown(self.held_before, self.held_after)]

    @property
    def unsure(self) -> list[str]:
        """A line for each greeting that was not whole while this process was late itself, or the machine full."""
        return [f"call {call.number} ({call.fate}): {call.unsure}" for call in self.calls if call.unsure is not None]

    def first_words_ms(self, *, waited_for: bool) -> list[float]:
        """Of those who stayed and whose worker lived, by whether an agent was there when they got their token."""
        return [
            call.ttfw_ms
            for call in self.calls
            if call.fate in HEARS
            and call.failed is None
            and call.unsure is None
            and not call.died
            and call.ttfw_ms is not None
            and call.waited_for == waited_for
        ]


async def run_storm(options: Options) -> StormReport:
    """Raises `BenchError` if a process does not start or end, or if quiet calls do not sound alike."""
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    machine = this_machine(binary)
    async with AsyncExitStack() as stack:
        place = await stack.enter_async_context(Surroundings("fixed", options.seed, LocalLiveKit(binary=binary)))
        tell("workers start")
        fleet = await stack.enter_async_context(Fleet(place, options))
        floor_ms = await measure_floor_ms(
            place.livekit.url, place.key.key, place.key.secret, calls=min(FLOOR_CALLS, max(options.calls // 2, 1))
        )
        await _close_all(place)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        async with page(place, options) as address:
            entrance = Entrance(address, session)
            await _filled(place, fleet, options)
            reference = await _reference(entrance)
        await wait_for_nothing(place, fleet)
        before, silent = await fleet.held()
        if silent:
            raise BenchError(f"before the storm: {silent[0]}")
        held_before = most(before)
        async with page(place, options) as address:
            entrance = Entrance(address, session)
            await _filled(place, fleet, options)
            pulse = await stack.enter_async_context(Pulse())
            line = asyncio.Semaphore(CALLS_PER_CORE * machine.cores)
            scene = Scene(entrance, fleet, reference, pulse, line, options.caller_timeout_s)
            storm = _Storm(plan(options), scene)
            begun = time.perf_counter()
            await storm.run()
            clean_after_s, problems = await wait_for_standby(
                place, fleet, storm.calls, options.standby, options.caller_timeout_s + CLOSE_LIMIT_S
            )
        empty_after_s, more = await wait_for_nothing(place, fleet)
        after, silent = await fleet.held()
        took_s = time.perf_counter() - begun
    return StormReport(
        options,
        machine,
        floor_ms,
        reference.length_ms,
        tuple(storm.calls),
        tuple(storm.restarts),
        tuple(storm.kills),
        Leftovers(clean_after_s, empty_after_s, (*problems, *more, *silent)),
        held_before,
        most(after or before),
        took_s,
        tuple(fleet.lines[-KEPT_LINES:]),
    )


class _Storm:
    def __init__(self, planned: Plan, scene: Scene) -> None:
        self._plan = planned
        self._scene = scene
        self._fleet = scene.fleet
        self._begun = 0.0
        self.calls = [StormCall(each.number, each.fate) for each in planned.callers]
        self.restarts: list[Restart] = []
        self.kills: list[Kill] = []

    async def run(self) -> None:
        """All that is planned, in its order: a shake that takes long holds up what comes after the next one."""
        self._begun = time.perf_counter()
        self._fleet.begin()
        late_s, shaking = 0.0, None
        with progress() as shown:
            bar = shown.add_task("calls", total=len(self.calls))
            async with asyncio.TaskGroup() as group:
                for planned in self._plan.in_order():
                    await asyncio.sleep(self._begun + planned.at_s + late_s - time.perf_counter())
                    if isinstance(planned, PlannedCaller):
                        work = self._call(planned, lambda: shown.advance(bar))
                        group.create_task(work, name=f"call {planned.number}")
                        continue
                    if shaking is not None:
                        await shaking
                    late_s = max(late_s, time.perf_counter() - self._begun - planned.at_s)
                    shaking = group.create_task(self._shake(planned), name=planned.kind)

    async def _call(self, planned: PlannedCaller, told: Callable[[], None]) -> None:
        await make_call(self._scene, planned, self.calls[planned.number - 1])
        told()

    async def _shake(self, shake: Shake) -> None:
        if shake.kind == "restart":
            self.restarts.append(await self._fleet.restart())
        else:
            self.kills.append(await self._fleet.kill(await self._victim()))

    async def _victim(self) -> int:
        """The worker of a caller who is in a call and stays; after a while, of whichever room was taken last."""
        deadline = time.perf_counter() + VICTIM_LIMIT_S
        while time.perf_counter() < deadline:
            for call in reversed(self.calls):
                if call.joined and not call.over and call.fate in HEARS and call.room in self._fleet.rooms:
                    return self._fleet.rooms[call.room][-1].pid
            await asyncio.sleep(LOOK_AGAIN_S)
        newest = max((taken[-1] for taken in self._fleet.rooms.values()), key=lambda taken: taken.at)
        return newest.pid


@asynccontextmanager
async def page(place: Surroundings, options: Options) -> AsyncGenerator[str]:
    """The page's server with standby rooms, on a free port of loopback; gives its address."""
    app = page_app(
        livekit_url=place.livekit.url,
        api_key=place.key.key,
        api_secret=place.key.secret,
        agent_name=AGENT_NAME,
        standby_rooms=options.standby,
        caller_timeout_s=options.caller_timeout_s,
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _close_all(place: Surroundings) -> None:
    """The floor's rooms: livekit-server would keep each of them open for 20 s."""
    for room in (await place.lk.room.list_rooms(api.ListRoomsRequest())).rooms:
        await leave_nothing(place, room.name)


async def _filled(place: Surroundings, fleet: Fleet, options: Options) -> None:
    _, problems = await wait_for_standby(place, fleet, [], options.standby, FILL_LIMIT_S)
    if problems:
        raise BenchError(f"the standby rooms were not filled before the storm: {problems[-1]}")


async def _reference(entrance: Entrance) -> Reference:
    """The greeting of a quiet call, the middle one in length of three that sound alike: a torn one is no measure."""
    quiet: list[Pcm] = []
    told = ""
    for _ in range(QUIET_ROUNDS):
        callers = await asyncio.gather(*(_listen(entrance) for _ in range(QUIET_CALLS)))
        quiet += [np.concatenate([track.pcm for track in caller.heard()]) for caller in callers]
        for pcm in quiet:
            reference = Reference(pcm, callers[0].heard()[0].sample_rate_hz)
            heard = [reference.compare(other) for other in quiet]
            longer_ms = sorted(each.stalled_ms for each in heard if _alike(each))
            if len(longer_ms) > 2 and longer_ms[len(longer_ms) // 2] == 0:
                return reference
            told = "; ".join(map(str, heard))
    raise BenchError(f"of {len(quiet)} quiet calls no three sounded alike, is the machine busy? Beside one: {told}")


def _alike(heard: Heard) -> bool:
    return heard.missed_ms == 0 and not heard.twice and abs(heard.stalled_ms) <= ALIKE_MS


async def _listen(entrance: Entrance) -> Caller:
    try:
        ticket = await entrance.ticket()
        async with Caller(ticket.url, ticket.token, name="quiet call") as caller:
            await caller.first_word(QUIET_LIMIT_S)
            await caller.quiet(END_MS, timeout_s=QUIET_LIMIT_S)
    except CallerError as error:
        raise BenchError(f"before the storm: {error}") from error
    return caller
