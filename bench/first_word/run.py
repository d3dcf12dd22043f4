"""One run of `bench first-word`, from the processes it needs to the report."""

from __future__ import annotations

import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp

from bench.aside import progress, tell
from bench.first_word.call_memory import STANDING, measure_call_memory
from bench.first_word.dev_starts import CALLS_A_START, measure_dev, starts
from bench.first_word.doors import into_sound
from bench.first_word.results import FirstWordReport
from bench.first_word.rows import measure_rows
from bench.first_word.situations import DEV, MEMORY, ROW_NAMES, SITUATIONS, plan
from bench.first_word.sounding import SoundingRooms
from bench.first_word.steps import Steps
from bench.first_word.switches import SIDES, SWITCHES
from bench.first_word.targets import targets
from bench.first_word.waterfalls import waterfall
from bench.machine import this_machine
from bench.workers import BenchError, Surroundings, Worker
from sim.livekit_binary import default_cache_dir, find_livekit_server
from sim.livekit_server import LocalLiveKit

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from bench.first_word.results import Waterfall
    from bench.first_word.rows import Heards
    from bench.first_word.situations import Turn
    from bench.workers import Side

T = TypeVar("T")

MAX_CALLS = 60  # twenty callers, and the standby rooms that are opened anew behind them
# Seconds of a quiet machine with two cores, for the estimate only.
START_S = 15.0
TURN_S = {"alone": 2.5, "at once": 8.0, "at random": 8.0}
STANDBY_ROOM_S = 0.8
STEP_CALL_S = 2.0
STEP_START_S = 5.0
DEV_START_S = 15.0
MEMORY_S = 40.0


@dataclass(frozen=True)
class Options:
    """What was asked for. `calls` a row and subject, `step_calls` a side of each step; 0: without steps."""

    calls: int
    rows: tuple[str, ...]
    step_calls: int
    seed: int

    @property
    def command(self) -> str:
        """The command that does the same again."""
        rows = "" if self.rows == ROW_NAMES else f" --rows {','.join(self.rows)}"
        steps = f" --step-calls {self.step_calls}" if self.step_calls else " --no-steps"
        return f"agent.py bench first-word --calls {self.calls}{rows}{steps} --seed {self.seed}"


def estimate_s(options: Options) -> float:
    """About how long a run takes on a quiet machine."""
    turns = plan(options.rows, options.calls, options.seed)
    took_s = START_S + sum(map(_turn_s, turns))
    if DEV in options.rows:
        took_s += starts(options.calls) * DEV_START_S
    if options.step_calls:
        once_s = sum(STEP_START_S if switch.unit == "ready" else STEP_CALL_S for switch in SWITCHES)
        took_s += len(SIDES) * options.step_calls * once_s + 2 * len(SWITCHES) * STEP_START_S
    if MEMORY in options.rows:
        took_s += MEMORY_S
    return took_s


async def run_first_word(options: Options) -> FirstWordReport:
    """Raises `BenchError` if the simulated providers do not start. What fails after that is in the report."""
    binary = await find_livekit_server(default_cache_dir(), log=tell)
    machine = this_machine(binary)
    tell(f"About {estimate_s(options) / 60:.0f} minutes on a quiet machine.")
    turns = plan(options.rows, options.calls, options.seed)
    lost: list[str] = []
    with progress() as shown:
        task = shown.add_task("calls", total=count_calls(options))

        def told(calls: int) -> None:
            shown.advance(task, calls)

        with tempfile.TemporaryDirectory(prefix="firstword-greetings-") as folder:
            # Of this run alone: what an earlier one has kept must not make this one faster.
            common: dict[str, object] = {"greeting_cache_dir": folder, "max_calls": MAX_CALLS}
            async with Surroundings("fixed", options.seed, LocalLiveKit(binary=binary)) as place:
                by_id: dict[str, Heards] = {}
                await _attempt("rows", _rows(place, turns, common, by_id, told), None, lost)
                found = [by_id[situation.id] for situation in SITUATIONS if situation.id in by_id]
                steps, failed = (), ()
                if options.step_calls:
                    steps, failed = await Steps(place, options.step_calls, common, told).measure()
                memory_mb = ()
                if MEMORY in options.rows:
                    memory_mb = await _attempt("memory", _memory(place, common, told), (), lost)
        rows = [each.row() for each in found]
        if DEV in options.rows:
            rows += await _attempt("dev", measure_dev(starts(options.calls), told), (), lost)
    return FirstWordReport(
        options.command,
        machine,
        options.seed,
        tuple(rows),
        steps,
        _waterfalls(found),
        targets(rows, memory_mb),
        memory_mb,
        (*failed, *lost),
    )


async def _attempt(name: str, work: Coroutine[Any, Any, T], instead: T, lost: list[str]) -> T:
    """What `work` gives, or `instead` and a line in `lost`: minutes of other measurements must not go with it."""
    try:
        return await work
    except BenchError as error:
        lost.append(f"{name}: {error}")
        return instead


def count_calls(options: Options) -> int:
    """How many calls, and starts of a worker that are measured, a run has."""
    calls = sum(len(turn.offsets_s) for turn in plan(options.rows, options.calls, options.seed))
    calls += len(SIDES) * len(SWITCHES) * options.step_calls
    calls += STANDING[-1] if MEMORY in options.rows else 0
    return calls + (starts(options.calls) * CALLS_A_START if DEV in options.rows else 0)


async def _rows(
    place: Surroundings,
    turns: Sequence[Turn],
    common: dict[str, object],
    found: dict[str, Heards],
    told: Callable[[int], None],
) -> None:
    """With only the workers that have a turn."""
    subjects = {turn.subject for turn in turns}
    makers: dict[Side, Callable[[], Worker]] = {
        "starter": lambda: Worker(place, "starter"),
        # The timeline goes to the room after the first word, as in `dev`.
        "firstword": lambda: Worker(place, "firstword", timeline_to_room=True, changes=common),
    }
    async with AsyncExitStack() as stack:
        workers: dict[Side, Worker] = {}
        for side, make in makers.items():
            if side in subjects:
                workers[side] = make()
                await stack.enter_async_context(workers[side])
        if not turns:
            return
        address = await stack.enter_async_context(SoundingRooms())
        session = await stack.enter_async_context(aiohttp.ClientSession())
        await measure_rows(place, workers, into_sound(place, address, session), turns, found, told)


async def _memory(place: Surroundings, common: dict[str, object], told: Callable[[int], None]) -> tuple[float, ...]:
    worker = Worker(place, "firstword", changes=common)
    async with worker:
        return await measure_call_memory(place, worker, told)


def _waterfalls(found: Sequence[Heards]) -> tuple[Waterfall, ...]:
    """Of the situations with one caller."""
    drawn = [
        waterfall(each.situation.title, each.situation.arrival, each.calls.get("firstword", []))
        for each in found
        if each.situation.way == "alone"
    ]
    return tuple(each for each in drawn if each is not None)


def _turn_s(turn: Turn) -> float:
    situation = turn.situations[0]
    rooms = situation.standby_rooms if turn.subject == "firstword" else 0
    return turn.offsets_s[-1] + TURN_S[situation.way] + rooms * STANDBY_ROOM_S
