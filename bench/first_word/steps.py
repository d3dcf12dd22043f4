"""What each optimisation gives: calls with all of them, without one, with none and with only that one, in turns."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from bench.aside import tell
from bench.first_word.calls import Heard, hear_one
from bench.first_word.doors import Page, by_join
from bench.first_word.results import Step
from bench.first_word.rows import rest
from bench.first_word.situations import in_turns
from bench.first_word.switches import SIDES, SWITCHES, Side, Switch, settings, worker_settings
from bench.workers import BenchError, Worker
from config import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.workers import Surroundings

PAIRS: tuple[tuple[Side, Side], ...] = (("all", "without"), ("none", "alone"))


class Steps:
    """`steps, failed = await Steps(place, calls, told).measure()`; `calls` a side of each step.

    At most three workers are alive at once: the one with everything, the one with nothing, and the one that differs.
    """

    def __init__(self, place: Surroundings, calls: int, common: dict[str, object], told: Callable[[int], None]) -> None:
        self._place = place
        self._calls = calls
        self._common = common
        self._told = told
        self._failed: list[str] = []

    async def measure(self, switches: tuple[Switch, ...] = SWITCHES) -> tuple[tuple[Step, ...], tuple[str, ...]]:
        """The steps, and a line for each call or worker that failed: after a lasting worker's end no step follows."""
        found: list[Step] = []
        try:
            await self._measure(switches, found)
        except BenchError as error:
            self._failed.append(str(error))
        return tuple(found), tuple(self._failed)

    async def _measure(self, switches: tuple[Switch, ...], found: list[Step]) -> None:
        called = [switch for switch in switches if switch.unit != "ready"]
        if called:
            async with AsyncExitStack() as stack:
                lasting: dict[Side, Worker] = {}
                for side in ("all", "none"):
                    lasting[side] = await self._start(worker_settings(called[0], side), stack)
                for switch in called:
                    times = [await self._pair(switch, pair, lasting[pair[0]]) for pair in PAIRS]
                    found.append(_step(switch, times[0] | times[1]))
        started = [switch for switch in switches if switch.unit == "ready"]
        found += [_step(switch, await self._starts(switch)) for switch in started]

    async def _pair(self, switch: Switch, pair: tuple[Side, Side], lasting: Worker) -> dict[Side, list[float]]:
        """Calls of the two sides in turns; who begins changes from round to round."""
        times: dict[Side, list[float]] = {side: [] for side in pair}
        async with AsyncExitStack() as stack:
            workers = {pair[0]: lasting, pair[1]: lasting}
            if worker_settings(switch, pair[0]) != worker_settings(switch, pair[1]):
                try:
                    workers[pair[1]] = await self._start(worker_settings(switch, pair[1]), stack)
                except BenchError as error:
                    self._failed.append(f"{switch.title}, {pair[1]}: {error}")
                    return times
            for number in range(self._calls):
                for side in in_turns(pair, number):
                    await rest(set(workers.values()))
                    heard = await self._call(switch, side, workers[side])
                    if heard.failed is not None:
                        self._failed.append(f"{switch.title}, {side}: {heard.failed}")
                    else:
                        times[side].append(heard.click_ms if switch.unit == "click" else heard.ttfw_ms)
                    self._told(1)
        return times

    async def _call(self, switch: Switch, side: Side, worker: Worker) -> Heard:
        if switch.unit == "TTFW":
            return await hear_one(self._place, by_join(self._place, worker.agent_name))
        # As `dev` hands them to its page.
        chosen = Settings.model_validate(settings(switch, side))
        page = Page(self._place, worker.agent_name, standby_rooms=chosen.standby_rooms, dispatch_at=chosen.dispatch_at)
        try:
            async with page:
                await rest([worker])
                return await hear_one(self._place, page.door())
        except BenchError as error:
            return Heard(failed=str(error))

    async def _starts(self, switch: Switch) -> dict[Side, list[float]]:
        """Start a worker of each side and stop it again, in turns."""
        times: dict[Side, list[float]] = {side: [] for side in SIDES}
        for number in range(self._calls):
            for side in in_turns(SIDES, number):
                begun_s = time.perf_counter()
                try:
                    async with self._worker(worker_settings(switch, side)):
                        times[side].append((time.perf_counter() - begun_s) * 1000)
                except BenchError as error:
                    self._failed.append(f"{switch.title}, {side}: {error}")
                self._told(1)
        return times

    async def _start(self, chosen: dict[str, object], stack: AsyncExitStack) -> Worker:
        """A worker that has had its first call."""
        worker = self._worker(chosen)
        await stack.enter_async_context(worker)
        await worker.quiet()
        warm = await hear_one(self._place, by_join(self._place, worker.agent_name))
        if warm.failed is not None:
            tell(f"the first call of a worker, which does not count, failed: {warm.failed}")
        return worker

    def _worker(self, chosen: dict[str, object]) -> Worker:
        return Worker(self._place, "firstword", changes=self._common | chosen)


def _step(switch: Switch, times: dict[Side, list[float]]) -> Step:
    every, without, none, alone = (times[side] for side in SIDES)
    return Step(switch.id, switch.title, switch.setting, switch.arrival, every, without, none, alone, switch.unit)
