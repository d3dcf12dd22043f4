"""Whoever blocks the loop is named: the call, its room and the line; whoever gives way is not."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from livekit.protocol import models

from runtime.watchdog import Watchdog
from tests.runtime.serving import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from livekit.agents import JobContext

    from tests.conftest import MakeSettings

HERE = "tests/runtime/test_watchdog.py"
LIMIT_MS = 100
HOLD_S = 0.3
THREAD = "loop watchdog"


class Lines(logging.Handler):
    """What the runtime says. `hold_until` waits for its own line, which is said from another thread."""

    def __init__(self) -> None:
        super().__init__()
        self.all: list[dict[str, Any]] = []
        self.told = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        self.all.append({"event": record.getMessage(), **vars(record)})
        if self.all[-1]["where"].endswith(hold_until.__name__):
            self.told.set()

    def of(self, where: str) -> list[dict[str, Any]]:
        """The lines about one place: on a busy machine there are others."""
        return [line for line in list(self.all) if line["where"] == where]

    async def first(self, where: str) -> dict[str, Any]:
        """The first line about that place, when it is there."""
        while not self.of(where):
            await asyncio.sleep(0.01)
        return self.of(where)[0]


@pytest.fixture
def lines() -> Generator[Lines]:
    handler = Lines()
    logging.getLogger("runtime").addHandler(handler)
    yield handler
    logging.getLogger("runtime").removeHandler(handler)


@contextmanager
def watched(limit_ms: int = LIMIT_MS, calls: int = 0) -> Generator[Watchdog]:
    watchdog = Watchdog(warn_ms=limit_ms, calls=lambda: calls)
    watchdog.start()
    try:
        yield watchdog
    finally:
        watchdog.stop()


def watchdogs() -> int:
    return sum(thread.name == THREAD for thread in threading.enumerate())


def hold() -> None:
    time.sleep(HOLD_S)


def hold_until(told: threading.Event) -> None:
    assert told.wait(30) and not told.clear() and not told.wait(HOLD_S)  # noqa: PT018  # one line, which is named


def hold_shortly() -> None:
    time.sleep(0.02)


def hold_within_a_library() -> None:
    threading.Event().wait(HOLD_S)


def hold_and_keep_the_interpreter() -> None:
    sum(range(30_000_000))


def line_of(function: Callable[..., None]) -> str:
    return f"{HERE}:{function.__code__.co_firstlineno + 1} {function.__name__}"


@pytest.mark.parametrize("block", [hold, hold_within_a_library, hold_and_keep_the_interpreter])
async def test_the_line_of_own_code_is_named(lines: Lines, block: Callable[[], None]) -> None:
    """Asleep, below a library's frames, or in C code that no other thread can interrupt."""
    with watched(calls=3):
        block()
        line = await lines.first(line_of(block))
    assert (line["event"], line["others"], line["times"]) == ("the loop is blocked", 3, 1)
    assert "call" not in line
    assert line["blocked_ms"] >= LIMIT_MS


async def test_most_of_the_time_decides_which_line_is_named(lines: Lines) -> None:
    """A block of several steps is told by the longest one, not by its last one."""
    with watched():
        hold()
        hold_shortly()
        await lines.first(line_of(hold))
    assert lines.of(line_of(hold_shortly)) == []


async def test_a_block_that_lasts_is_told_before_its_end(lines: Lines) -> None:
    """After a second, since it may have no end; the end is told too, with the whole length."""
    with watched():
        hold_until(lines.told)
        while len(lines.of(line_of(hold_until))) < 2:
            await asyncio.sleep(0.01)
    begin, end = lines.of(line_of(hold_until))
    assert [begin["event"], end["event"]] == ["the loop is blocked", "the loop runs again"]
    assert 1000 <= begin["blocked_ms"] < end["blocked_ms"]


async def test_a_loop_that_is_busy_and_gives_way_is_not_told(lines: Lines) -> None:
    """The limit counts for one round of the loop, however many follow each other."""
    with watched(limit_ms=1000):
        until_s = time.monotonic() + 1.5
        while time.monotonic() < until_s:
            hold_shortly()
            await asyncio.sleep(0)
    assert lines.all == []


async def test_what_was_only_counted_is_told_at_the_end(lines: Lines) -> None:
    """Three blocks of one line are two lines of the log: the first, and the count of the others."""
    with watched():
        for _ in range(3):
            hold()
            await asyncio.sleep(LIMIT_MS / 1000)
        await lines.first(line_of(hold))
    assert [line["times"] for line in lines.of(line_of(hold))] == [1, 2]


async def test_it_is_started_once_and_stopped_any_number_of_times(lines: Lines) -> None:
    """And no thread is left that would tell anything."""
    before = watchdogs()
    with watched() as watchdog:
        assert watchdogs() == before + 1
        with pytest.raises(RuntimeError, match="started before"):
            watchdog.start()
        watchdog.stop()
        assert watchdogs() == before
    hold()
    await asyncio.sleep(LIMIT_MS / 1000)
    assert lines.of(line_of(hold)) == []
    Watchdog(warn_ms=1, calls=lambda: 0).stop()


def test_a_limit_of_nothing_is_refused() -> None:
    """The message names the argument and what is allowed."""
    with pytest.raises(ValueError, match="warn_ms: got 0, allowed: more than 0"):
        Watchdog(warn_ms=0, calls=lambda: 0)


# Of a worker's calls -----------------------------------------------------------------------------


async def in_its_entrypoint() -> None:
    hold()


async def in_a_task() -> None:
    await asyncio.create_task(in_its_entrypoint())


async def in_a_task_that_has_waited() -> None:
    async def later() -> None:
        await asyncio.sleep(0.01)
        hold()

    await asyncio.create_task(later())


async def in_a_callback() -> None:
    asyncio.get_running_loop().call_later(0.01, hold)


@pytest.mark.parametrize("block", [in_its_entrypoint, in_a_task, in_a_task_that_has_waited, in_a_callback])
async def test_the_call_is_named(make_settings: MakeSettings, lines: Lines, block: Callable[[], Any]) -> None:
    """The one of two that blocks, wherever its code runs, and how many others it delayed."""
    blocking = asyncio.Event()

    async def entrypoint(context: JobContext) -> None:
        if context.job.room.name == "loud":
            await blocking.wait()
            await block()

    async with serving(make_settings, entrypoint, loop_block_warn_ms=LIMIT_MS) as it:
        for room in ("quiet", "loud"):
            await it.server.simulate_job(room, fake_job=True, room_info=models.Room(name=room))
        loud = it.server.active_jobs[1].job
        blocking.set()
        line = await lines.first(line_of(hold))
    assert (line["call"], line["room"], line["others"]) == (loud.id, "loud", 1)


async def test_a_worker_has_one_as_long_as_it_runs(make_settings: MakeSettings, lines: Lines) -> None:
    """From its start, after the setup, which may block, until its end; LOOP_BLOCK_WARN_MS=0: none."""

    async def entrypoint(_: JobContext) -> None:
        return None

    before = watchdogs()
    async with serving(make_settings, entrypoint, setup=lambda _: hold(), loop_block_warn_ms=LIMIT_MS):
        assert watchdogs() == before + 1
    assert watchdogs() == before
    async with serving(make_settings, entrypoint, loop_block_warn_ms=0):
        assert watchdogs() == before
