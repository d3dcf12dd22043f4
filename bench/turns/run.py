"""One run of `bench turns`, from the processes it needs to the report."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from bench.aside import progress, tell
from bench.machine import this_machine
from bench.run import provider_times_ms
from bench.stats import quantiles
from bench.turns.calls import hold_call, hold_calls
from bench.turns.corpus import PAUSES_MS, questions, recordings
from bench.turns.plan import IN_TURN, ROUNDS, PlannedCall, calls_of, estimate_s, plan, rounds, waves
from bench.turns.results import PARTS, SideResult, TurnsReport
from bench.turns.sides import groups, turned
from bench.turns.simulators import arguments
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

START_S = 28.0
WARM_TURNS = 2


@dataclass(frozen=True)
class Options:
    """What was asked for. `turns`: plain questions a side, and sentences with a pause; other parts have fewer.

    `pauses_ms`: how long the callers pause, as `parse_pauses` gives them.
    """

    turns: int
    parts: tuple[Part, ...]
    sides: tuple[SideSpec, ...]
    latency: str
    seed: int
    pauses_ms: tuple[int, ...] = PAUSES_MS

    @property
    def command(self) -> str:
        """The command that does the same again."""
        parts = "" if self.parts == PARTS else f" --parts {','.join(self.parts)}"
        sides = f' --sides "{",".join(side.id for side in self.sides)}"'
        pauses = "" if self.pauses_ms == PAUSES_MS else f" --pauses {','.join(map(str, self.pauses_ms))}"
        chosen = f"--turns {self.turns}{parts}{pauses}{sides}"
        return f"agent.py bench turns {chosen} --latency {self.latency} --seed {self.seed}"


class TurnsSurroundings(Surroundings):
    """With simulated providers that understand this run's pauses."""

    def __init__(self, options: Options, livekit: LocalLiveKit) -> None:
        super().__init__(options.latency, options.seed, livekit)
        self._pauses_ms = options.pauses_ms

    def _simulator_arguments(self) -> list[str]:
        return arguments(self.latency, self.seed, self._pauses_ms)


@dataclass
class _Seat:
    """A side with its worker."""

    spec: SideSpec
    worker: Worker
    result: SideResult


def count_calls(options: Options) -> int:
    return sum(len(_calls(options, side)) for side in options.sides)


def run_estimate_s(options: Options) -> float:
    """About how long a run takes on a quiet machine."""
    return sum(START_S + estimate_s(_calls(options, side)) for side in options.sides)


async def run_turns(options: Options) -> TurnsReport:
    """Raises `BenchError` if the simulated providers do not start. What fails after that is in the report."""
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    machine = this_machine(binary)
    tell(f"{count_calls(options)} calls, about {run_estimate_s(options) / 60:.0f} minutes on a quiet machine.")
    recordings(options.pauses_ms)  # made now, and not while somebody speaks
    results = {side.id: SideResult(side.id, side.title, side.side) for side in options.sides}
    with progress() as shown:
        task = shown.add_task("calls", total=count_calls(options))

        def told(what: str, count: int) -> None:
            shown.update(task, description=what, advance=count)

        async with TurnsSurroundings(options, LocalLiveKit(binary=binary)) as place:
            for group in groups(options.sides):
                await _block(place, options, {side: results[side.id] for side in group}, told)
    providers = quantiles(provider_times_ms(profile_by_name(options.latency, options.seed)))
    assert providers is not None
    summaries = {side.id: summarize(side, providers.p50_ms, options.pauses_ms) for side in results.values()}
    return TurnsReport(
        options.command,
        machine,
        options.latency,
        options.seed,
        options.pauses_ms,
        providers.p50_ms,
        tuple(results.values()),
        targets(summaries, fixed=options.latency == "fixed"),
    )


def _calls(options: Options, side: SideSpec) -> list[PlannedCall]:
    return calls_of(side, options.sides, plan(options.parts, options.turns, options.seed, options.pauses_ms))


async def _block(
    place: Surroundings,
    options: Options,
    results: Mapping[SideSpec, SideResult],
    told: Callable[[str, int], None],
) -> None:
    """The workers of these sides, called in turns; one that cannot be used is told, and the others go on."""
    async with AsyncExitStack() as stack:
        seats: list[_Seat] = []
        for side, result in results.items():
            worker = side.worker(place)
            try:
                await stack.enter_async_context(worker)
            except BenchError as error:
                result.failed.append(str(error))
                continue
            seats.append(_Seat(side, worker, result))
        warm_up = PlannedCall(IN_TURN, questions()[: min(WARM_TURNS, options.turns)])
        for seat in seats:
            # What only the first call of a worker pays is not what a caller of a running service meets.
            await _rest(seats)
            await hold_call(place, seat.worker, warm_up, _unused(seat.result))
        said = [seat.worker.lines_said for seat in seats]
        for number in range(ROUNDS):
            await _round(place, options, turned(seats, number) if seats else [], number, told)
        for seat, before in zip(seats, said, strict=True):
            seat.result.log_lines += seat.worker.lines_said - before


async def _round(
    place: Surroundings, options: Options, seats: Sequence[_Seat], number: int, told: Callable[[str, int], None]
) -> None:
    dealt = [rounds(_calls(options, seat.spec))[number:] for seat in seats]
    each_side = [waves(left[0]) if left else [] for left in dealt]
    for step in zip_longest(*each_side):
        for seat, wave in zip(seats, step, strict=True):
            if wave is not None:
                await _rest(seats)
                await _hold_wave(place, seat, wave)
                told(f"{seat.result.title}, {wave[0].part}", len(wave))


async def _hold_wave(place: Surroundings, seat: _Seat, wave: Sequence[PlannedCall]) -> None:
    try:
        seat.worker.check()
    except BenchError as error:
        if str(error) not in seat.result.failed:
            seat.result.failed.append(str(error))
        return
    await hold_calls(place, seat.worker, wave, seat.result)


async def _rest(seats: Sequence[_Seat]) -> None:
    await asyncio.gather(*(seat.worker.quiet() for seat in seats))


def _unused(result: SideResult) -> SideResult:
    """Where the samples of a call go that does not count; its failure is told."""
    return SideResult(result.id, result.title, result.side, failed=result.failed)
