"""One run of the benchmark: both workers up, calls in turns, floors, and what came of it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from bench.aside import progress, tell
from bench.machine import Machine, this_machine
from bench.measure import TURNS, Arrival, CallSample, measure_call
from bench.stats import Comparison, compare
from bench.workers import Side, Surroundings, Worker
from sim.latency import Profile, profile_by_name
from sim.livekit_binary import default_cache_dir, find_livekit_server
from sim.livekit_server import LocalLiveKit
from sim.publisher import measure_floor_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import Progress

Mode = Literal["join", "early", "gap"]

MODES: dict[str, Mode] = {"join": "join", "early": "early", "gap": "gap"}
NAMES: dict[Mode, str] = {
    "join": "first word, dispatch on join",
    "early": "first word, dispatch 0.5 s before",
    "gap": "response gap",
}
PROVIDER_DRAWS = 2000  # enough for a p99 of the providers' own time


@dataclass(frozen=True)
class Options:
    """What `bench` was asked for. `calls` is per side and measure; `turns` a call, at most three."""

    calls: int
    turns: int
    latency: str
    seed: int
    modes: tuple[Mode, ...]
    turn_detection: str


@dataclass(frozen=True)
class SideSample:
    side: Side
    call: CallSample


@dataclass(frozen=True)
class BenchReport:
    """All that was measured. `floor_ms`: callers who join a room that sounds already."""

    options: Options
    machine: Machine
    samples: tuple[SideSample, ...]
    floor_ms: tuple[float, ...]
    providers_ms: tuple[float, ...]

    @property
    def failed(self) -> list[SideSample]:
        return [sample for sample in self.samples if sample.call.failed is not None]

    def completed(self, side: Side) -> tuple[int, int]:
        """Calls that were completed, and calls in all."""
        calls = [sample.call for sample in self.samples if sample.side == side]
        return sum(call.failed is None for call in calls), len(calls)

    def times_ms(self, side: Side, mode: Mode) -> list[float]:
        calls = [sample.call for sample in self.samples if sample.side == side and sample.call.failed is None]
        if mode == "gap":
            return [gap_ms for call in calls for gap_ms in call.gaps_ms]
        return [call.ttfw_ms for call in calls if call.arrival == mode and call.ttfw_ms is not None]

    def comparisons(self) -> list[Comparison]:
        return [
            compare(
                NAMES[mode],
                self.times_ms("starter", mode),
                self.times_ms("firstword", mode),
                self.providers_ms if mode == "gap" else self.floor_ms,
            )
            for mode in self.options.modes
        ]


def parse_modes(text: str) -> tuple[Mode, ...]:
    """Modes from "join,gap", each once. ValueError names what is not one."""
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in names if name not in MODES]
    if unknown or not names:
        raise ValueError(f"got {', '.join(unknown) or 'nothing'}, allowed: {', '.join(MODES)} with commas between")
    return tuple(MODES[name] for name in names)


@dataclass(frozen=True)
class PlannedCall:
    side: Side
    arrival: Arrival
    recordings: tuple[str, ...] = ()


def plan(options: Options) -> list[PlannedCall]:
    """Every call in its order: the sides in turns, and who begins changes from round to round."""
    calls: list[PlannedCall] = []
    sides: tuple[Side, Side] = ("starter", "firstword")
    for number in range(options.calls):
        order = sides if number % 2 == 0 else sides[::-1]
        recordings = TURNS[(options.seed + number) % len(TURNS)][: options.turns] if "gap" in options.modes else ()
        if "join" in options.modes or "gap" in options.modes:
            calls += [PlannedCall(side, "join", recordings) for side in order]
        if "early" in options.modes:
            calls += [PlannedCall(side, "early") for side in order]
    return calls


async def run_bench(options: Options) -> BenchReport:
    """Raises `BenchError` if a process does not start. A call that fails is in the report."""
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    machine = this_machine(binary)
    with progress() as shown:
        async with AsyncExitStack() as stack:
            place = await stack.enter_async_context(
                Surroundings(options.latency, options.seed, LocalLiveKit(binary=binary))
            )
            workers: dict[Side, Worker] = {
                "starter": Worker(place, "starter", turn_detection=options.turn_detection),
                "firstword": Worker(place, "firstword"),
            }
            for worker in workers.values():
                await stack.enter_async_context(worker)
            samples = await _measure(place, workers, options, _teller(shown, len(plan(options))))
            floor_ms = await measure_floor_ms(place.livekit.url, place.key.key, place.key.secret, calls=options.calls)
    providers_ms = provider_times_ms(profile_by_name(options.latency, options.seed))
    return BenchReport(options, machine, tuple(samples), floor_ms, providers_ms)


async def _measure(
    place: Surroundings, workers: dict[Side, Worker], options: Options, told: Callable[[], None]
) -> list[SideSample]:
    # What only the first call of a worker pays is not what a caller of a running service meets.
    for worker in workers.values():
        await _rest(workers)
        await measure_call(place, worker.agent_name, "join", TURNS[0][: int("gap" in options.modes)])
    samples: list[SideSample] = []
    for planned in plan(options):
        await _rest(workers)
        agent_name = workers[planned.side].agent_name
        call = await measure_call(place, agent_name, planned.arrival, planned.recordings)
        samples.append(SideSample(planned.side, call))
        told()
    return samples


async def _rest(workers: dict[Side, Worker]) -> None:
    await asyncio.gather(*(worker.quiet() for worker in workers.values()))


def provider_times_ms(profile: Profile, *, draws: int = PROVIDER_DRAWS) -> tuple[float, ...]:
    """LLM to the first token and TTS to the first byte: what no agent can take off the response gap."""
    return tuple(profile.llm.first_token.draw_ms() + profile.tts.first_byte.draw_ms() for _ in range(draws))


def _teller(shown: Progress, total: int) -> Callable[[], None]:
    task = shown.add_task("calls", total=total)
    return lambda: shown.advance(task)
