"""Calls in a row against one worker: none may be lost, nothing may grow, and each timeline must add up."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.aside import progress, tell
from bench.machine import Machine, this_machine
from bench.measure import QUIET_MS, TURNS, CallFailed, caller_token, hear_greeting, leave_nothing, take_turn
from bench.residuals import Residuals, first_word_residual_ms, message, turn_residual_ms, wall_offset_s
from bench.resources import CountedWorker, Growth, Resources, growths, sample_resources
from bench.workers import Surroundings
from observe.room_feed import TOPIC
from rooms.tokens import new_name
from sim.caller import Caller, CallerError
from sim.livekit_binary import default_cache_dir, find_livekit_server
from sim.livekit_server import LocalLiveKit
from sim.publisher import measure_downlink_ms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

TIMELINE_LIMIT_S = 10.0


@dataclass(frozen=True)
class SoakCall:
    """One call. `ttfw_ms` and `gaps_ms` are the caller's; `resources` were held after its end."""

    failed: str | None
    recordings: tuple[str, ...]
    ttfw_ms: float | None
    gaps_ms: tuple[float, ...]
    residuals: Residuals
    resources: Resources


@dataclass(frozen=True)
class SoakReport:
    """`before`: what the worker held after one call that does not count. `downlink_ms`: p50, one way."""

    machine: Machine
    downlink_ms: float
    before: Resources
    calls: tuple[SoakCall, ...]

    @property
    def lost(self) -> list[str]:
        return [call.failed for call in self.calls if call.failed is not None]

    @property
    def growths(self) -> list[Growth]:
        return growths([self.before, *(call.resources for call in self.calls)])

    @property
    def failures(self) -> list[str]:
        """Lost calls and leaks, a line each."""
        leaks = [f"{each.name} grew by {each.by:g}, allowed {each.allowed:g}" for each in self.growths if each.leaks]
        return [*self.lost, *leaks]


@dataclass
class _Heard:
    """What one call has brought so far."""

    ttfw_ms: float | None = None
    first_word_ms: float | None = None
    gaps_ms: list[float] = field(default_factory=list[float])
    turns_ms: list[float] = field(default_factory=list[float])


async def run_soak(*, calls: int, turns: int, latency: str, seed: int) -> SoakReport:
    """`turns` a call, at most three. Raises `BenchError` if a process does not start."""
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    machine = this_machine(binary)
    with progress() as shown:
        bar = shown.add_task("calls", total=calls)
        async with AsyncExitStack() as stack:
            place = await stack.enter_async_context(Surroundings(latency, seed, LocalLiveKit(binary=binary)))
            worker = CountedWorker(place)
            await stack.enter_async_context(worker)
            downlink_ms = await _downlink_ms(place)
            first = await _one_call(place, worker, TURNS[0][:1], downlink_ms)
            done: list[SoakCall] = []
            for number in range(calls):
                recordings = TURNS[(seed + number) % len(TURNS)][:turns]
                done.append(await _one_call(place, worker, recordings, downlink_ms))
                shown.advance(bar)
            return SoakReport(machine, downlink_ms, first.resources, tuple(done))


async def _one_call(
    place: Surroundings, worker: CountedWorker, recordings: Sequence[str], downlink_ms: float
) -> SoakCall:
    room, heard, failed = new_name("soak"), _Heard(), None
    try:
        await _talk(place, worker, room, recordings, downlink_ms, heard)
    except (CallFailed, CallerError) as error:
        failed = str(error)
    # The worker is to end the call and close the room by itself.
    if not await worker.idle():
        failed = failed or "the worker did not end the call"
    if not await leave_nothing(place, room):
        failed = failed or "the room was not closed"
    await worker.quiet()
    return SoakCall(
        failed,
        tuple(recordings),
        heard.ttfw_ms,
        tuple(heard.gaps_ms),
        Residuals(heard.first_word_ms, tuple(heard.turns_ms)),
        await sample_resources(place, worker),
    )


async def _talk(
    place: Surroundings,
    worker: CountedWorker,
    room: str,
    recordings: Sequence[str],
    downlink_ms: float,
    heard: _Heard,
) -> None:
    token = caller_token(place, room, worker.agent_name)
    async with Caller(place.livekit.url, token, name="caller", text_topics=(TOPIC,)) as caller:
        first = await hear_greeting(caller)
        heard.ttfw_ms = first.ttfw_ms
        start = await _timeline(caller, "start")
        heard.first_word_ms = first_word_residual_ms(start, first.first_audible_at + wall_offset_s(), downlink_ms)
        for number, recording in enumerate(recordings, 1):
            turn = await take_turn(caller, recording)
            heard.gaps_ms.append(turn.reply.gap_ms)
            told = await _timeline(caller, "turn", number)
            # Both ways are the same code on the same loopback: one figure serves for both.
            residual_ms = turn_residual_ms(told, turn.reply.gap_ms, downlink_ms, downlink_ms)
            if residual_ms is not None:
                heard.turns_ms.append(residual_ms)
        await caller.quiet(QUIET_MS)


async def _timeline(caller: Caller, kind: str, number: int | None = None) -> dict[str, Any]:
    def matches(content: dict[str, Any] | None) -> bool:
        return content is not None and content["kind"] == kind and content.get("n") == number

    text = await caller.text(
        lambda text: matches(message(text, TOPIC)), timeout_s=TIMELINE_LIMIT_S, what=f"the timeline of {kind} {number}"
    )
    return message(text, TOPIC) or {}


async def _downlink_ms(place: Surroundings) -> float:
    room = new_name("downlink")
    downlink = await measure_downlink_ms(place.livekit.url, place.key.key, place.key.secret, room=room)
    await leave_nothing(place, room)
    return downlink.p50_ms
