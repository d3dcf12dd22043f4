"""What a call costs in memory: PSS of the worker with more and more calls that stand."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from itertools import pairwise
from typing import TYPE_CHECKING

import psutil

from bench.first_word.calls import hear_one
from bench.first_word.doors import by_join
from bench.measure import caller_token, leave_nothing
from bench.workers import BenchError, Worker, tree
from rooms.tokens import new_name
from sim.caller import Caller, CallerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from bench.workers import Surroundings

STANDING = (0, 4, 8, 12)
SETTLE_S = 2.0
FIRST_WORD_LIMIT_S = 30.0
QUIET_MS = 500.0
QUIET_LIMIT_S = 60.0


async def measure_call_memory(
    place: Surroundings, worker: Worker, told: Callable[[int], None], standing: Sequence[int] = STANDING
) -> tuple[float, ...]:
    """MB of PSS a further call, one value for each step of `standing`; empty where the system tells no PSS.

    `worker` serves no other call meanwhile. Raises `BenchError` if a call does not stand.
    """
    # The first call of a worker fills what all further ones share.
    await hear_one(place, by_join(place, worker.agent_name))
    await worker.quiet()
    found: list[tuple[int, float]] = []
    async with AsyncExitStack() as stack:
        calls: list[Caller] = []
        for count in standing:
            while len(calls) < count:
                calls.append(await _standing_call(place, worker, stack))
                told(1)
            await asyncio.gather(*(caller.quiet(QUIET_MS, timeout_s=QUIET_LIMIT_S) for caller in calls))
            await asyncio.sleep(SETTLE_S)
            held_mb = pss_mb(worker.process.pid)
            if held_mb is None:
                return ()
            found.append((count, held_mb))
    return per_call_mb(found)


def per_call_mb(held: Sequence[tuple[int, float]]) -> tuple[float, ...]:
    """From (calls, MB held) in growing order: MB a further call, from each one to the next."""
    return tuple((more_mb - less_mb) / (more - less) for (less, less_mb), (more, more_mb) in pairwise(held))


def pss_mb(pid: int) -> float | None:
    """Of the process and all below it: shared pages count once, divided among those who share them. Linux only."""
    held = 0
    for process in tree(pid):
        try:
            held += int(process.memory_full_info().pss)
        except psutil.NoSuchProcess:
            continue
        except AttributeError:
            return None
    return held / 1e6


async def _standing_call(place: Surroundings, worker: Worker, stack: AsyncExitStack) -> Caller:
    room = new_name("standing")
    stack.push_async_callback(leave_nothing, place, room)
    caller = Caller(place.livekit.url, caller_token(place, room, worker.agent_name), name="caller")
    try:
        await stack.enter_async_context(caller)
        await caller.first_word(FIRST_WORD_LIMIT_S)
    except CallerError as error:
        raise BenchError(f"memory of a call: a call does not stand: {error}") from None
    return caller
