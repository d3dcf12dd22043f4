"""WORKERS > 1: one worker process a core, started, watched and stopped together."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from utils.child_process import ChildProcess
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

log = get_logger("runtime")

CANNOT_START = 3
"""Exit code of a worker that would fail again: its parent stops instead of restarting it for ever."""
HEALTHY_AFTER_S = 30.0
LONGEST_BACKOFF_S = 30.0


class Supervisor:
    """Runs `count` workers by `argv`; worker i gets `environment(i)`.

    A stop signal is passed on to all of them, a second one too: what it means is the workers' affair.
    `on_died` is called when one has died: those that live on can have its callers before it is back.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        count: int,
        environment: Callable[[int], Mapping[str, str]],
        grace_s: float,
        on_line: Callable[[str], None],
        on_died: Callable[[], None] = lambda: None,
    ) -> None:
        self._argv = argv
        self._count = count
        self._environment = environment
        self._grace_s = grace_s
        self._on_line = on_line
        self._on_died = on_died
        self._stopping = asyncio.Event()
        self._workers: dict[int, ChildProcess] = {}
        self.restarts = 0

    async def run(self) -> int:
        """Keep all workers running until a stop signal; returns the exit code for this process."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._on_stop_signal)
        try:
            codes = await asyncio.gather(*(self._keep(index) for index in range(self._count)))
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
        return max(codes)

    def _on_stop_signal(self) -> None:
        if not self._stopping.is_set():
            self._stopping.set()
            return
        for worker in self._workers.values():
            with suppress(ProcessLookupError):  # it has ended in the meantime
                if worker.returncode is None:
                    os.kill(worker.pid, signal.SIGTERM)

    async def _keep(self, index: int) -> int:
        """One worker, restarted with growing pauses while it dies young."""
        backoff_s = 0.5
        while True:
            begun_s = time.monotonic()
            worker = ChildProcess(
                self._argv, name=f"worker {index}", env=self._environment(index), on_line=self._on_line
            )
            async with worker:
                self._workers[index] = worker
                ended = asyncio.create_task(worker.wait())
                stop = asyncio.create_task(self._stopping.wait())
                try:
                    await asyncio.wait([ended, stop], return_when=asyncio.FIRST_COMPLETED)
                    if self._stopping.is_set():
                        await worker.stop(grace_s=self._grace_s)
                        return 0
                finally:
                    ended.cancel()
                    stop.cancel()
                    del self._workers[index]
            code = worker.returncode
            if code == CANNOT_START:
                self._stopping.set()
                return CANNOT_START
            self.restarts += 1
            self._on_died()
            backoff_s = 0.5 if time.monotonic() - begun_s > HEALTHY_AFTER_S else min(backoff_s * 2, LONGEST_BACKOFF_S)
            log.error("worker died and is restarted", worker=index, exit_code=code, in_s=backoff_s)
            try:
                async with asyncio.timeout(backoff_s):
                    await self._stopping.wait()
                return 0
            except TimeoutError:
                continue
