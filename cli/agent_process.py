"""The agent as `start` runs it, as a child process that can be replaced."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

from cli.child_settings import child_environment
from utils.child_process import ChildProcess
from utils.own_command import own_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

READY_PREFIX = "firstword.ready "
"""`start --announce` writes it to stdout at each registration, with a JSON object of facts behind it."""
READY_LIMIT_S = 60.0
STOP_GRACE_S = 3.0  # a call needs up to 2.3 s to close; `dev` is left within 5 s


class AgentProcess:
    """One agent at a time. `say` gets each line about it; what it writes itself goes to stderr as it is.

    `overrides` are settings by field name, written over the environment.
    """

    def __init__(self, say: Callable[[str], None], overrides: Mapping[str, object]) -> None:
        self._say = say
        self._overrides = overrides
        self._process: ChildProcess | None = None
        self._ready: asyncio.Future[dict[str, Any]] | None = None
        self._ended: asyncio.Task[int] | None = None

    async def start(self) -> bool:
        """Start it and wait until it is warm and registered. False, with its last words shown, when it cannot."""
        begun_s = time.monotonic()
        self._ready = ready = asyncio.get_running_loop().create_future()
        self._process = process = ChildProcess(
            [*own_command(), "start", "--announce", "--readable"],
            name="agent",
            # What a tool of the agent prints is seen at once.
            env=child_environment(**self._overrides) | {"PYTHONUNBUFFERED": "1"},
            on_line=self._on_line,
            stop_signals=(signal.SIGTERM, signal.SIGTERM),  # the second one says: do not wait for the calls
        )
        await process.start()
        self._ended = ended = asyncio.create_task(process.wait(), name="end of the agent")
        await asyncio.wait([ready, ended], timeout=READY_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        if ready.done():
            steps = ", ".join(f"{name} {took_ms} ms" for name, took_ms in ready.result()["warmed_ms"].items())
            self._say(f"agent is ready after {time.monotonic() - begun_s:.1f} s: {steps}")
            ended.add_done_callback(self._tell_end)
            return True
        why = f"ended with exit code {ended.result()}" if ended.done() else f"is not ready after {READY_LIMIT_S:g} s"
        await self.stop()
        self._say(f"agent {why}")
        return False

    async def wait(self) -> int:
        """Wait for its own end; returns the exit code."""
        if self._ended is None:
            raise RuntimeError("the agent was not started")
        return await asyncio.shield(self._ended)

    async def stop(self) -> None:
        """End it and its calls, politely within the grace. Any number of times."""
        if self._process is None:
            return
        if self._ended is not None:
            self._ended.remove_done_callback(self._tell_end)
        await self._process.stop(grace_s=STOP_GRACE_S)
        if self._ended is not None:
            self._ended.cancel()
            await asyncio.wait([self._ended])

    def _tell_end(self, ended: asyncio.Task[int]) -> None:
        if not ended.cancelled():
            self._say(f"agent ended with exit code {ended.result()}")

    def _on_line(self, line: str) -> None:
        if not line.startswith(READY_PREFIX):
            print(line, file=sys.stderr)
        elif self._ready is not None and not self._ready.done():
            self._ready.set_result(json.loads(line.removeprefix(READY_PREFIX)))
