"""One caller of a storm: the token, the call by the caller's fate, and what was heard."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp
import numpy as np

from sim.caller import Caller, CallerError

if TYPE_CHECKING:
    from bench.storm.fleet import Fleet
    from bench.storm.hearing import Heard, Reference
    from bench.storm.plan import Fate, PlannedCaller
    from bench.storm.pulse import Pulse
    from sim.waveform import Pcm

FIRST_WORD_LIMIT_S = 25.0
RESCUE_LIMIT_S = 60.0
QUIET_MS = 2500.0  # longer than a stall of a busy machine: a second greeting would have begun
LATE_LIMIT_MS = 150.0  # of this process's loop: what comes in before a track has its reader is lost here, not there
BUSY_LIMIT = 0.95  # of all cores, for half a second: whoever had to speak then had to wait for a core
QUIET_LIMIT_S = 60.0
CONNECT_LIMIT_S = 20.0
LOOK_AGAIN_S = 0.05
# Between the making of the caller and the hang-up: some are not joined by then, some are subscribed already.
BEFORE_S = (0.12, 0.32)
DURING = (0.2, 0.8)  # of the greeting's length
LATE = (0.1, 0.3)  # of CALLER_TIMEOUT; a room is handed out for half of it, and to connect takes a while too
TOO_LATE_S = (5.0, 8.0)  # after CALLER_TIMEOUT: to come takes an agent a while, and to go


@dataclass(frozen=True)
class Ticket:
    """`asked_at`: when somebody clicked, a time of `time.perf_counter()`."""

    url: str
    token: str
    room: str
    asked_at: float


class Entrance:
    """Asks the page's server for tokens, as the page does."""

    def __init__(self, address: str, session: aiohttp.ClientSession) -> None:
        self._address = address
        self._session = session

    async def ticket(self) -> Ticket:
        """Waits when there are too many calls. Raises `CallerError` with the server's own words."""
        asked_at = time.perf_counter()
        while True:
            async with self._session.post(f"{self._address}/api/token") as answer:
                content = await answer.json()
                if answer.status == 200:
                    return Ticket(content["url"], content["token"], content["room"], asked_at)
                if answer.status != 429:
                    raise CallerError(f"no token: {content['error']['message']}")
                pause_s = float(answer.headers["Retry-After"])
            await asyncio.sleep(pause_s)


@dataclass
class StormCall:
    """What becomes of one caller. `click_ms`: token asked for -> first audible sample; `ttfw_ms`: connect call -> same.

    `waited_for`: an agent was in the room when the token came. `died`: a worker that had the call was killed.
    `rescued_ms`: the kill, or the connect call if that was later, -> first audible sample of the next agent.
    `agents`: all that were sent into the room. `heard`: what each of them said to one who stays. `late_ms`: the
    longest that this process's own loop was late in the call, `busy` the largest share of all cores that was taken in
    half a second of it. `unsure`: the greeting was not whole, and this process was late, or the machine had no time.
    """

    number: int
    fate: Fate
    room: str | None = None
    waited_for: bool = False
    joined: bool = False
    over: bool = False
    died: bool = False
    ttfw_ms: float | None = None
    click_ms: float | None = None
    rescued_ms: float | None = None
    agents: list[str] = field(default_factory=list[str])
    heard: dict[str, Heard] = field(default_factory=dict[str, "Heard"])
    late_ms: float = 0.0
    busy: float = 0.0
    unsure: str | None = None
    failed: str | None = None


@dataclass(frozen=True)
class Scene:
    """What all callers of a storm share. `line`: so many of them are in a call, the next one waits before it begins."""

    entrance: Entrance
    fleet: Fleet
    reference: Reference
    pulse: Pulse
    line: asyncio.Semaphore
    caller_timeout_s: float


async def make_call(scene: Scene, planned: PlannedCaller, result: StormCall) -> None:
    """Live through the caller's fate. What goes wrong is in `result`, not raised."""
    fleet = scene.fleet
    try:
        if planned.fate == "never":
            await _ticket(scene, result)
        elif planned.fate in ("late", "too late"):
            ticket = await _ticket(scene, result)
            await asyncio.sleep(_delay_s(planned, scene.caller_timeout_s))
            async with scene.line:
                await _come(scene, ticket, planned, result)
        else:
            async with scene.line:
                await _come(scene, await _ticket(scene, result), planned, result)
    except (CallerError, aiohttp.ClientError) as error:
        result.failed = str(error) or type(error).__name__
    finally:
        result.over = True
        result.agents = fleet.told(result.room or "")
        result.died = result.died or (result.room is not None and fleet.died(result.room))


async def _ticket(scene: Scene, result: StormCall) -> Ticket:
    ticket = await scene.entrance.ticket()
    result.room, result.waited_for = ticket.room, scene.fleet.waits(ticket.room)
    return ticket


async def _come(scene: Scene, ticket: Ticket, planned: PlannedCaller, result: StormCall) -> None:
    fleet, reference = scene.fleet, scene.reference
    begun = time.perf_counter()
    caller = Caller(ticket.url, ticket.token, name=f"caller {planned.number}", connect_timeout_s=CONNECT_LIMIT_S)
    try:
        if planned.fate == "before":
            await _hang_up_early(caller, _between(BEFORE_S, planned.draw))
            return
        await caller.connect()
        result.joined = True
        await _first_word(caller, fleet, ticket, result)
        if planned.fate == "during":
            await asyncio.sleep(_between(DURING, planned.draw) * reference.length_ms / 1000)
            return
        await caller.quiet(QUIET_MS, timeout_s=QUIET_LIMIT_S)
        while fleet.died(ticket.room) and not _heard_from(caller, fleet.living(ticket.room)):
            await _next_agent(caller, fleet, ticket.room)
            await caller.quiet(QUIET_MS, timeout_s=QUIET_LIMIT_S)
        result.died = fleet.died(ticket.room)
        result.rescued_ms = _rescued_ms(caller, fleet, ticket.room)
        result.late_ms, result.busy = scene.pulse.worst_ms(begun), scene.pulse.busiest(begun)
        await _judge(caller, fleet.living(ticket.room), reference, result)
    finally:
        await caller.hang_up()


def _delay_s(planned: PlannedCaller, caller_timeout_s: float) -> float:
    if planned.fate == "too late":
        return caller_timeout_s + _between(TOO_LATE_S, planned.draw)
    return _between(LATE, planned.draw) * caller_timeout_s


async def _hang_up_early(caller: Caller, after_s: float) -> None:
    try:
        async with asyncio.timeout(after_s):
            await caller.connect()
            await asyncio.Event().wait()
    except TimeoutError:
        return


async def _first_word(caller: Caller, fleet: Fleet, ticket: Ticket, result: StormCall) -> None:
    try:
        first = await caller.first_word(FIRST_WORD_LIMIT_S)
    except CallerError:
        if not fleet.died(ticket.room):
            raise
        await _next_agent(caller, fleet, ticket.room)
        return
    if not fleet.died(ticket.room):
        result.ttfw_ms = first.ttfw_ms
        result.click_ms = (first.first_audible_at - ticket.asked_at) * 1000


async def _next_agent(caller: Caller, fleet: Fleet, room: str) -> None:
    """Wait for the voice of an agent whose worker lives. Raises `CallerError`."""
    deadline = time.perf_counter() + RESCUE_LIMIT_S
    while time.perf_counter() < deadline:
        if _heard_from(caller, fleet.living(room)) is not None:
            return
        if caller.disconnect_reason is not None:
            raise CallerError(f"the call was ended ({caller.disconnect_reason}) after its worker was killed")
        await asyncio.sleep(LOOK_AGAIN_S)
    came = "one was sent and did not speak" if fleet.living(room) else "none was sent"
    raise CallerError(f"no other agent spoke within {RESCUE_LIMIT_S:g} s after the worker was killed: {came}")


def _rescued_ms(caller: Caller, fleet: Fleet, room: str) -> float | None:
    died_at = max((fleet.killed[each.pid] for each in fleet.rooms[room] if each.pid in fleet.killed), default=None)
    begun_at = _heard_from(caller, fleet.living(room))
    if died_at is None or begun_at is None:
        return None
    return (begun_at - max(died_at, caller.connect_called_at or died_at)) * 1000


def _heard_from(caller: Caller, identities: list[str]) -> float | None:
    """When one of these agents was heard first; None if not yet."""
    begins = [begin for track in caller.heard() if track.identity in identities for begin, _ in track.spans()]
    return min(begins, default=None)


async def _judge(caller: Caller, living: list[str], reference: Reference, result: StormCall) -> None:
    """Once and whole from one agent; of a killed one, whatever came until then, but not twice either."""
    sounds: dict[str, list[Pcm]] = {}
    for track in caller.heard():
        sounds.setdefault(track.identity, []).append(track.pcm)
    # In a thread: what keeps this loop would be late for the other callers.
    result.heard = heard = await asyncio.to_thread(
        lambda: {identity: reference.compare(np.concatenate(each)) for identity, each in sounds.items()}
    )
    # One that came and was taken back without a word is none to the caller.
    own = [identity for identity, said in heard.items() if identity in living and said.active_ms > 0]
    if len(own) != 1:
        result.failed = f"{len(own)} living agents spoke, not 1"
    elif not heard[own[0]].whole:
        said = f"the greeting was not whole: {heard[own[0]]}"
        if result.late_ms > LATE_LIMIT_MS or result.busy > BUSY_LIMIT:
            why = f"this process was late by {result.late_ms:.0f} ms, the machine {result.busy:.0%} busy"
            result.unsure = f"{said}; {why}"
        else:
            result.failed = said
    elif any(each.twice for each in heard.values()):
        result.failed = f"the greeting was not all: {'; '.join(map(str, heard.values()))}"


def _between(limits: tuple[float, float], draw: float) -> float:
    low, high = limits
    return low + (high - low) * draw
