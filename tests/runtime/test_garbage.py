"""Ended calls are freed soon, together, and not after the worker has closed."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import weakref

from runtime.garbage import CallGarbage


class Cycle:
    """Holds itself, as a call does."""

    def __init__(self) -> None:
        self.me = self


async def freed(cycle: weakref.ref[Cycle], *, limit_s: float) -> bool:
    try:
        async with asyncio.timeout(limit_s):
            while cycle() is not None:
                await asyncio.sleep(0.01)
    except TimeoutError:
        return False
    return True


async def test_an_ended_call_is_freed_without_the_collector_s_own_turn() -> None:
    """A cycle that the automatic collector would keep is gone after the delay."""
    gc.disable()
    try:
        garbage = CallGarbage(delay_s=0.05)
        left = weakref.ref(Cycle())
        assert left() is not None
        garbage.call_ended()
        garbage.call_ended()
        assert await freed(left, limit_s=5.0)
    finally:
        gc.enable()


async def test_a_timer_that_was_cancelled_holds_no_ended_call() -> None:
    """asyncio keeps it, and the context that it was made in, until its time would have come."""
    held: contextvars.ContextVar[Cycle] = contextvars.ContextVar("held")
    garbage = CallGarbage(delay_s=0.05)
    context, cycle = contextvars.Context(), Cycle()
    left = weakref.ref(cycle)
    context.run(held.set, cycle)
    asyncio.get_running_loop().call_later(3600, print, context=context).cancel()
    del context, cycle
    gc.collect()
    assert left() is not None
    garbage.call_ended()
    assert await freed(left, limit_s=5.0)


async def test_a_closed_worker_collects_no_more() -> None:
    """`close` takes the timer back, any number of times."""
    gc.disable()
    try:
        garbage = CallGarbage(delay_s=0.05)
        left = weakref.ref(Cycle())
        garbage.call_ended()
        garbage.close()
        garbage.close()
        assert not await freed(left, limit_s=0.2)
    finally:
        gc.enable()
        gc.collect()
