"""Several workers under one supervisor: started, restarted and stopped together."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import psutil

from runtime import supervisor as supervisor_module
from runtime.supervisor import CANNOT_START, Supervisor
from tests.runtime.test_worker import Lines

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    import pytest

SERVE = """
import os, signal, sys, threading
ended = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ended.set())
print("begin", os.environ["INDEX"], os.getpid(), flush=True)
ended.wait()
print("drained", os.environ["INDEX"], flush=True)
"""


class Running:
    """A supervisor at work, and what its workers say."""

    def __init__(self, supervisor: Supervisor, lines: Lines, run: asyncio.Task[int]) -> None:
        self.supervisor = supervisor
        self.lines = lines
        self.run = run

    async def pid(self, index: int) -> int:
        """The process of a worker that has begun."""
        return int((await self.lines.match(rf"begin {index} (\d+)"))[1])

    def stop(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)


@asynccontextmanager
async def supervised(code: str, *, count: int = 1, **environment: str) -> AsyncGenerator[Running]:
    lines = Lines()
    supervisor = Supervisor(
        [sys.executable, "-S", "-c", code],
        count=count,
        environment=lambda index: {**os.environ, **environment, "INDEX": str(index)},
        grace_s=5.0,
        on_line=lines,
        on_died=lambda: lines("on_died"),
    )
    run = asyncio.create_task(supervisor.run())
    try:
        yield Running(supervisor, lines, run)
    finally:
        if not run.done():
            run.cancel()
        await asyncio.gather(run, return_exceptions=True)


async def test_a_stop_signal_stops_all_workers() -> None:
    """Each is asked and drains; exit code 0, no process is left."""
    async with supervised(SERVE, count=2) as it:
        pids = [await it.pid(index) for index in range(2)]
        it.stop()
        assert await it.run == 0
        assert {re.sub(r"^.*(drained \d).*$", r"\1", line) for line in it.lines.all if "drained" in line} == {
            "drained 0",
            "drained 1",
        }
        assert not any(psutil.pid_exists(pid) for pid in pids)
        assert it.supervisor.restarts == 0
        assert "on_died" not in it.lines.all


async def test_a_worker_that_dies_is_started_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With its own index; the log says which one and with which exit code, and the other one is not touched."""
    once = f"""
import os, pathlib, sys
mark = pathlib.Path({str(tmp_path)!r}) / "died"
if os.environ["INDEX"] == "1" and not mark.exists():
    mark.touch()
    sys.exit(7)
"""
    with caplog.at_level("ERROR", logger="runtime"):
        async with supervised(once + SERVE, count=2) as it:
            first = await it.pid(0)
            await it.pid(1)
            assert psutil.pid_exists(first)
            it.stop()
            assert await it.run == 0
            assert it.supervisor.restarts == 1
            assert it.lines.all.count("on_died") == 1
    (line,) = [vars(record) for record in caplog.records if record.name == "runtime"]
    assert (line["worker"], line["exit_code"]) == (1, 7)


async def test_a_worker_that_cannot_start_stops_all() -> None:
    """Exit code 3 would come again and again: the others are stopped and the code is passed on."""
    fails = """
import os, sys, time
if os.environ["INDEX"] == "1":
    sys.exit(3)
"""
    async with supervised(fails + SERVE, count=2) as it:
        assert await it.run == CANNOT_START
        assert it.supervisor.restarts == 0
        begun = [re.search(r"begin 0 (\d+)", line) for line in it.lines.all]
        assert not any(psutil.pid_exists(int(found[1])) for found in begun if found)


async def test_a_stop_signal_during_the_pause_before_a_restart_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for a restart that is not wanted any more."""
    with caplog.at_level("ERROR", logger="runtime"):
        async with supervised("import sys; sys.exit(1)") as it:
            while not it.supervisor.restarts:
                await asyncio.sleep(0.01)
            it.stop()
            assert await it.run == 0
            assert it.supervisor.restarts == 1


async def test_the_pauses_grow_up_to_a_limit_while_it_dies_young(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that always fails does not eat a processor; one that had lived long is back soon."""
    monkeypatch.setattr(supervisor_module, "LONGEST_BACKOFF_S", 0.02)
    with caplog.at_level("ERROR", logger="runtime"):
        async with supervised("import sys; sys.exit(1)") as it:
            while it.supervisor.restarts < 3:
                await asyncio.sleep(0.01)
            monkeypatch.setattr(supervisor_module, "HEALTHY_AFTER_S", 0.0)
            while it.supervisor.restarts < 4:
                await asyncio.sleep(0.01)
            it.stop()
            await it.run
    pauses = [vars(record)["in_s"] for record in caplog.records if record.name == "runtime"]
    assert pauses[:3] == [0.02, 0.02, 0.02]
    assert pauses[3] == 0.5


async def test_a_supervisor_that_is_cancelled_takes_its_workers_along() -> None:
    """Neither a process nor a task is left."""
    async with supervised(SERVE) as it:
        pid = await it.pid(0)
        it.run.cancel()
        await asyncio.gather(it.run, return_exceptions=True)
        assert not psutil.pid_exists(pid)
