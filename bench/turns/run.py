"""One run of `bench turns`, from the processes it needs to the report."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.aside import progress, tell
from bench.machine import this_machine
from bench.run import provider_times_ms
from bench.stats import quantiles
from bench.turns.calls import hold_call
from bench.turns.corpus import questions
from bench.turns.plan import PlannedCall, calls_of, estimate_s, plan, rounds
from bench.turns.results import PARTS, SideResult, TurnsReport
from bench.turns.sides import pairs
from bench.turns.summary import summarize
from bench.turns.targets import targets
from bench.workers import BenchError, Surroundings
from sim.latency import profile_by_name
from sim.livekit_binary import default_cache_dir, find_livekit_server
from sim.livekit_server import LocalLiveKit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.turns.results import Part
    from bench.turns.sides import SideSpec
    from bench.workers import Worker

START_S = 40.0
WARM_TURNS = 2


@dataclass(frozen=True)
class Options:
    """What was asked for. `turns`: plain questions a side, and sentences with a pause; other parts have fewer."""

    turns: int
    parts: tuple[Part, ...]
    sides: tuple[SideSpec, ...]
    latency: str
    seed: int

    @property
    def command(self) -> str:
        """The command that does the same again."""
        parts = "" if self.parts == PARTS else f" --parts {','.join(self.parts)}"
        sides = f' --sides "{",".join(side.id for side in self.sides)}"'
        return f"agent.py bench turns --turns {self.turns}{parts}{sides} --latency {self.latency} --seed {self.seed}"


@dataclass
class _Seat:
    """A side with its worker while a block lasts."""

    worker: Worker
    calls: list[PlannedCall]
    result: SideResult


def count_calls(options: Options) -> int:
    return sum(len(_calls(options, side)) for side in options.sides)


def run_estimate_s(options: Options) -> float:
    """About how long a run takes on a quiet machine."""
    blocks = sum(len(pairs(options.sides, number)) for number in range(len(rounds(_calls(options, options.sides[0])))))
    return blocks * START_S + sum(estimate_s(_calls(options, side)) for side in options.sides)


async def run_turns(options: Options) -> TurnsReport:
    """Raises `BenchError` if the simulated providers do not start. What fails after that is in the report."""
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    machine = this_machine(binary)
    tell(f"About {run_estimate_s(options) / 60:.0f} minutes on a quiet machine.")
    results = {side.id: SideResult(side.id, side.title, side.side) for side in options.sides}
    with progress() as shown:
        task = shown.add_task("calls", total=count_calls(options))
        async with Surroundings(options.latency, options.seed, LocalLiveKit(binary=binary), "turns") as place:
            dealt = {side.id: rounds(_calls(options, side)) for side in options.sides}
            for number in range(max(map(len, dealt.values()))):
                for pair in pairs(options.sides, number):
                    calls = {side: dealt[side.id][number] for side in pair if number < len(dealt[side.id])}
                    await _block(place, calls, results, min(WARM_TURNS, options.turns), lambda: shown.advance(task))
    providers = quantiles(provider_times_ms(profile_by_name(options.latency, options.seed)))
    assert providers is not None
    summaries = {side.id: summarize(side, providers.p50_ms) for side in results.values()}
    return TurnsReport(
        options.command,
        machine,
        options.latency,
        options.seed,
        providers.p50_ms,
        tuple(results.values()),
        targets(summaries, fixed=options.latency == "fixed"),
    )


def _calls(options: Options, side: SideSpec) -> list[PlannedCall]:
    return calls_of(side, options.sides, plan(options.parts, options.turns, options.seed))


async def _block(
    place: Surroundings,
    calls: Mapping[SideSpec, Sequence[PlannedCall]],
    results: dict[str, SideResult],
    warm_turns: int,
    told: Callable[[], None],
) -> None:
    """The workers of these sides, called in turns; one that cannot be used is told, and the other goes on."""
    async with AsyncExitStack() as stack:
        seats: list[_Seat] = []
        for side, planned in calls.items():
            worker, result = side.worker(place), results[side.id]
            try:
                await stack.enter_async_context(worker)
            except BenchError as error:
                result.failed.append(str(error))
                continue
            seats.append(_Seat(worker, list(planned), result))
        for seat in seats:
            # What only the first call of a worker pays is not what a caller of a running service meets.
            await _rest(seats)
            await hold_call(place, seat.worker, PlannedCall("gap", questions()[:warm_turns]), _unused(seat.result))
        said = [seat.worker.lines_said for seat in seats]
        while any(seat.calls for seat in seats):
            for seat in seats:
                if seat.calls:
                    await _rest(seats)
                    await _next_call(place, seat, told)
        for seat, before in zip(seats, said, strict=True):
            seat.result.log_lines += seat.worker.lines_said - before


async def _next_call(place: Surroundings, seat: _Seat, told: Callable[[], None]) -> None:
    planned = seat.calls.pop(0)
    try:
        seat.worker.check()
    except BenchError as error:
        seat.result.failed.append(str(error))
        seat.calls.clear()
        return
    await hold_call(place, seat.worker, planned, seat.result)
    told()


async def _rest(seats: Sequence[_Seat]) -> None:
    await asyncio.gather(*(seat.worker.quiet() for seat in seats))


def _unused(result: SideResult) -> SideResult:
    """Where the samples of a call go that does not count; its failure is told."""
    return SideResult(result.id, result.title, result.side, failed=result.failed)
