"""The rows of the report: the planned turns, measured one after the other."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bench.first_word.calls import STAY_S, Heard, hear_all, hear_one
from bench.first_word.doors import Page, by_dispatch, by_join
from bench.first_word.results import Row, Subject
from bench.measure import LEAD_S
from bench.workers import BenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from bench.first_word.doors import Door
    from bench.first_word.situations import Situation, Turn
    from bench.workers import Side, Surroundings, Worker

STAY_AT_RANDOM_S = 4.0


@dataclass
class Heards:
    """All calls of one situation, by subject."""

    situation: Situation
    calls: dict[Subject, list[Heard]] = field(default_factory=dict[Subject, "list[Heard]"])

    def row(self) -> Row:
        """What was completed, and what each of the others said."""
        done: dict[Subject, list[Heard]] = {
            subject: [call for call in calls if call.failed is None] for subject, calls in self.calls.items()
        }
        ttfw_ms: dict[Subject, list[float]] = {
            subject: [call.ttfw_ms for call in calls] for subject, calls in done.items()
        }
        asked = done.get("firstword", []) if self.situation.arrival == "standby" else []
        return Row(
            self.situation.id,
            self.situation.title,
            self.situation.arrival,
            self.situation.callers,
            ttfw_ms,
            # With the 0.5 s of a person before the connect call the click says nothing: only where it follows at once.
            [call.click_ms for call in asked],
            {
                subject: failed
                for subject, calls in self.calls.items()
                if (failed := [call.failed for call in calls if call.failed is not None])
            },
        )


async def measure_rows(
    place: Surroundings,
    workers: Mapping[Side, Worker],
    floor: Door,
    turns: Iterable[Turn],
    found: dict[str, Heards],
    told: Callable[[int], None],
) -> None:
    """Puts the calls of all turns into `found`, by situation; what failed is among them.

    Raises `BenchError` when a worker has ended: what came before it is in `found`.
    """
    for worker in workers.values():
        # What only the first call of a worker pays is not what a caller of a running service meets.
        await rest(workers.values())
        await hear_one(place, by_join(place, worker.agent_name))
    for turn in turns:
        await rest(workers.values())
        heard = await _take(place, workers, floor, turn)
        for situation in turn.situations:
            found.setdefault(situation.id, Heards(situation)).calls.setdefault(turn.subject, []).extend(heard)
        told(len(heard))


async def rest(workers: Iterable[Worker]) -> None:
    """Wait until none of them is busy. Raises `BenchError` if one has ended."""
    for worker in (resting := list(workers)):
        worker.check()
    await asyncio.gather(*(worker.quiet() for worker in resting))


async def _take(place: Surroundings, workers: Mapping[Side, Worker], floor: Door, turn: Turn) -> Sequence[Heard]:
    stay_s = STAY_AT_RANDOM_S if any(turn.offsets_s) else STAY_S
    async with AsyncExitStack() as stack:
        try:
            door = floor if turn.subject == "floor" else await _door(place, workers, turn, stack)
        except BenchError as error:
            return [Heard(failed=str(error)) for _ in turn.offsets_s]
        return await hear_all(place, door, turn.offsets_s, stay_s=stay_s)


async def _door(place: Surroundings, workers: Mapping[Side, Worker], turn: Turn, stack: AsyncExitStack) -> Door:
    (situation,) = turn.situations
    worker = workers["starter" if turn.subject == "starter" else "firstword"]
    if situation.arrival == "join":
        return by_join(place, worker.agent_name)
    if turn.subject == "starter":
        return by_dispatch(place, worker.agent_name)
    page = Page(place, worker.agent_name, standby_rooms=situation.standby_rooms)
    await stack.enter_async_context(page)
    if situation.arrival == "token":
        return page.door(lead_s=LEAD_S)
    await rest(workers.values())  # from the opening of the standby rooms
    return page.door()
