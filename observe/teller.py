"""Tells the observers of a call, each in order and on a task of its own: nobody waits for anybody else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from observe.observer import CallObserver, CallRecord, TurnRecord

    Message = Callable[[CallObserver], Awaitable[None]]

log = get_logger("observe")

LAST_WORDS_LIMIT_S = 5.0  # an observer that hangs must not keep a call from ending


class Teller:
    """A queue and a task for each observer of one call; an observer's error is logged and goes no further."""

    def __init__(self, call: CallRecord, observers: Sequence[CallObserver]) -> None:
        self._call = call
        self._queues: list[asyncio.Queue[Message | None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        for observer in observers:
            queue: asyncio.Queue[Message | None] = asyncio.Queue()
            name = f"{type(observer).__name__} of {call.call_id}"
            self._queues.append(queue)
            self._tasks.append(asyncio.create_task(self._tell(observer, queue), name=name))
        self._put(lambda observer: observer.started(call))

    def turned(self, turn: TurnRecord) -> None:
        self._put(lambda observer: observer.turned(self._call, turn))

    async def ended(self) -> None:
        """Tell the end and wait until all has been told, within a limit."""
        self._put(lambda observer: observer.ended(self._call))
        self._put(None)
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=LAST_WORDS_LIMIT_S)
        if late:
            names = sorted(task.get_name() for task in late)
            log.warning("observers did not finish in time", observers=names, limit_s=LAST_WORDS_LIMIT_S)
            for task in late:
                task.cancel()
            await asyncio.wait(late)

    def _put(self, message: Message | None) -> None:
        for queue in self._queues:
            queue.put_nowait(message)

    async def _tell(self, observer: CallObserver, queue: asyncio.Queue[Message | None]) -> None:
        while (message := await queue.get()) is not None:
            try:
                await message(observer)
            except Exception as error:  # noqa: BLE001  # whatever an observer does, the call goes on
                log.warning("observer failed", observer=type(observer).__name__, error=type(error).__name__)
