"""The framework's life of a job, with an end that no other code can take away.

In a process of its own a job that does not close in order is over all the same: its process is. On a shared loop it
would stay in its room, deaf and silent, with everything that it has leased.
"""

# pyright: reportPrivateUsage=false
# The job's end is private in the framework; contract tests watch it.

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

from utils.framework_private import JobRunner, ShutdownInfo, StartJobRequest, close_rest_of_session
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    Callback = Callable[[str], Coroutine[None, None, None]]

log = get_logger("runtime")

REST_LIMIT_S = 5.0

STRAY = (Exception, asyncio.CancelledError, SystemExit)
"""What a call's own code may throw at its end."""


class CallRunner(JobRunner):
    """Runs one call. However its end goes wrong, the room is left and each shutdown callback has run, once."""

    def _start_job(self, msg: StartJobRequest) -> None:
        super()._start_job(msg)
        self._job_ctx._shutdown_callbacks = self._callbacks = _ShutdownCallbacks()

    async def _shutdown_job(self, job_entry_task: asyncio.Task[None], shutdown_info: ShutdownInfo) -> None:
        try:
            await super()._shutdown_job(job_entry_task, shutdown_info)
        except STRAY as error:
            if told_to_stop():
                raise
            call = self._job_ctx.job
            log.error(
                "the call did not close in order, what is left is closed",
                call=call.id,
                room=call.room.name,
                exc_info=error,
            )
        # After an end in order there is nothing left for these three to do.
        await close_rest_of_session(self._job_ctx, limit_s=REST_LIMIT_S)
        await self._room.disconnect()
        await asyncio.gather(*(callback(shutdown_info.reason) for callback in self._callbacks))


class _ShutdownCallbacks(list["Callback"]):
    """One that fails neither ends the others before their time nor runs again."""

    def append(self, callback: Callback, /) -> None:
        super().append(_once_and_apart(callback))


def _once_and_apart(callback: Callback) -> Callback:
    begun = False

    @functools.wraps(callback)
    async def run(reason: str) -> None:
        nonlocal begun
        if begun:
            return
        begun = True
        try:
            await callback(reason)
        except STRAY as error:
            if told_to_stop():
                raise
            name: Any = getattr(callback, "__qualname__", repr(callback))
            log.error("a shutdown callback failed", callback=name, exc_info=error)

    return run


def told_to_stop() -> bool:
    """Whether a cancellation is meant for this task; if not, it came out of what the task waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
