"""Who blocks the loop, and in which line: code that does not give way delays every call of the worker.

A thread looks at what the loop's thread executes; the loop itself does nothing for it. asyncio's own frames tell the
rest: `_run_once` notes when the loop's round began, so how long the loop has not answered is known exactly, and the
`Handle` in which any code runs, a task's step or a plain callback, has the context of the call that it belongs to.
13 looks a second at the default limit cost about 0.1 % of a core. A round that may reach the limit is looked at every
few milliseconds, and what was seen most often is told. `tests/runtime/test_watchdog.py` fails where asyncio differs.
"""

# pyright: reportPrivateUsage=false
# asyncio shows neither a round nor its handle to others; both names are as old as asyncio.

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from livekit.agents import get_job_context

from runtime.block_log import QUIET_S, Blocker, BlockLog
from runtime.code_place import innermost

if TYPE_CHECKING:
    import contextvars
    from collections.abc import Callable
    from types import FrameType

LASTING_S = 1.0  # a block that lasts is told before its end: it may have none
LOOK = 0.75  # of the limit: the pause between two looks; no block of the limit falls between them
CLOSE_LOOK = 0.05  # of the limit: the same while a block may be coming

_ROUND = asyncio.BaseEventLoop._run_once.__code__  # pyright: ignore[reportAttributeAccessIssue]  # not in the stubs
_HANDLE = asyncio.Handle._run.__code__


@dataclass
class _Block:
    """A round of the loop that takes long, known by its begin. `told`: what the log answered while it lasted."""

    since_s: float
    lasted_s: float = 0.0
    seen: Counter[Blocker] = field(default_factory=Counter[Blocker])
    told: bool | None = None

    @property
    def blocker(self) -> Blocker:
        return self.seen.most_common(1)[0][0]


class Watchdog:
    """Warns of each block of the running loop of `warn_ms` or more. `calls`: how many calls the worker has now."""

    def __init__(self, *, warn_ms: int, calls: Callable[[], int], quiet_s: float = QUIET_S) -> None:
        if warn_ms <= 0:
            raise ValueError(f"warn_ms: got {warn_ms}, allowed: more than 0")
        self._warn_s = warn_ms / 1000
        self._log = BlockLog(calls, quiet_s=quiet_s)
        self._running = threading.Lock()  # held until `stop`; waiting for it is cheaper than for an event
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Watch the loop that runs in this thread. Once."""
        if self._thread is not None:
            raise RuntimeError("the watchdog was started before")
        self._running.acquire()
        self._thread = threading.Thread(
            target=self._watch, args=(threading.get_ident(),), name="loop watchdog", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop watching and tell what was only counted. Any number of times."""
        if self._thread is not None and self._running.locked():
            self._running.release()
            self._thread.join()

    def _watch(self, loop_thread: int) -> None:
        block: _Block | None = None
        while not self._running.acquire(timeout=self._warn_s * (CLOSE_LOOK if block else LOOK)):
            block = self._look(loop_thread, block)
            self._log.flush()
        self._running.release()
        if block is not None:
            self._tell(block)
        self._log.flush(everything=True)

    def _look(self, loop_thread: int, block: _Block | None) -> _Block | None:
        """The block that lasts, or None; one that is over is told."""
        stack = _stack_of(loop_thread)
        since_s = stack[-1].f_locals.get("end_time") if stack else None  # not there while the loop waits for work
        if block is not None and block.since_s != since_s:
            self._tell(block)
            block = None
        if stack is None or since_s is None:
            return None
        lasted_s = time.monotonic() - since_s
        if lasted_s < self._warn_s * (1 - LOOK):
            return None  # the next look comes before the limit
        block = block or _Block(since_s)
        block.lasted_s = lasted_s
        block.seen[_blocker(stack)] += 1
        if lasted_s >= max(LASTING_S, self._warn_s) and block.told is None:
            block.told = self._log.blocked(block.blocker, lasted_s)
        return block

    def _tell(self, block: _Block) -> None:
        if block.told is not None:
            self._log.lasted(block.blocker, block.lasted_s, told=block.told)
        elif block.lasted_s >= self._warn_s:
            self._log.blocked(block.blocker, block.lasted_s)


def _stack_of(thread: int) -> list[FrameType] | None:
    """What a thread executes, from the inside to the loop's round; None if it is in no round."""
    frame = sys._current_frames().get(thread)
    stack: list[FrameType] = []
    while frame is not None:
        stack.append(frame)
        if frame.f_code is _ROUND:
            return stack
        frame = frame.f_back
    return None


def _blocker(stack: list[FrameType]) -> Blocker:
    depth = next((depth for depth, frame in enumerate(stack) if frame.f_code is _HANDLE), None)
    handle = None if depth is None else stack[depth].f_locals.get("self")
    where = innermost(stack[: depth or 1])
    if handle is None:
        return Blocker(where)
    context: contextvars.Context = handle._context
    job = context.copy().run(get_job_context, required=False)
    return Blocker(where) if job is None else Blocker(where, job.job.id, job.job.room.name)
