"""The workers of a storm: `start` with its supervisor, replaced as a deployment does it, or killed."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import signal
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import aiohttp
import psutil

from bench.storm.program import TASKS_PREFIX, TOOK_PREFIX
from bench.workers import PROJECT, STOP_GRACE_S, BenchError, Surroundings, tree
from cli.agent_process import READY_PREFIX
from utils.child_process import ChildProcess

if TYPE_CHECKING:
    from bench.storm.plan import Options

AGENT_NAME = "bench-storm"
READY_LIMIT_S = 240.0  # in the middle of a storm the new workers start beside the old ones and the callers
DRAIN_LIMIT_S = 60.0
END_LIMIT_S = DRAIN_LIMIT_S + 30.0  # what `start` itself allows, and a margin
ANSWER_LIMIT_S = 15.0
LOOK_AGAIN_S = 0.1


@dataclass(frozen=True)
class Taken:
    """A worker process took a room: its agent joins there as `identity`. `at`: `time.perf_counter()`."""

    pid: int
    room: str
    identity: str
    at: float


@dataclass(frozen=True)
class Restart:
    """`ready_s`: start of the new workers to their registration; `drained_s`: the signal to the old ones' end.

    A supervisor ends a worker that does not end by itself, and its exit code is 0 even so: only the time tells it.
    """

    at_s: float
    ready_s: float
    drained_s: float
    exit_code: int

    @property
    def failed(self) -> str | None:
        if self.exit_code:
            return f"the restart at {self.at_s:.0f} s: exit code {self.exit_code}, not 0"
        if self.drained_s > DRAIN_LIMIT_S:
            return f"the restart at {self.at_s:.0f} s: the old workers needed {self.drained_s:.0f} s to end"
        return None


@dataclass(frozen=True)
class Kill:
    """`rooms`: those that the dead worker held, standby ones too. `back_s`: until another one stood in its place."""

    at_s: float
    pid: int
    rooms: tuple[str, ...]
    back_s: float


@dataclass(frozen=True)
class Held:
    """What one worker process holds."""

    tasks: int
    file_descriptors: int
    threads: int
    memory_mb: float


class _Generation:
    """One `start` and the health ports of its workers, the newest last."""

    def __init__(self, process: ChildProcess) -> None:
        self.process = process
        self.ports: list[int] = []
        self.changed = asyncio.Event()

    async def ready(self, count: int) -> None:
        """Wait for `count` registrations in all. Raises `BenchError`."""
        ended = asyncio.create_task(self.process.wait())
        try:
            async with asyncio.timeout(READY_LIMIT_S):
                while len(self.ports) < count:
                    self.changed.clear()
                    news = asyncio.create_task(self.changed.wait())
                    await asyncio.wait([news, ended], return_when=asyncio.FIRST_COMPLETED)
                    news.cancel()
                    if ended.done():
                        raise BenchError(f"{self._named} ended with exit code {ended.result()}; {self._said}")
        except TimeoutError:
            what = f"{len(self.ports)} of {count} workers were ready after {READY_LIMIT_S:g} s"
            raise BenchError(f"{self._named}: {what}; {self._said}") from None
        finally:
            ended.cancel()

    @property
    def _named(self) -> str:
        return self.process.name

    @property
    def _said(self) -> str:
        return "it said:\n" + "\n".join(self.process.last_lines)


class Fleet:
    """`async with Fleet(place, options) as fleet:` has all workers registered and warm.

    `rooms[name]` are those who took the room, the newest last; `killed` the dead processes and when they died.
    """

    def __init__(self, place: Surroundings, options: Options) -> None:
        self._place = place
        self._options = options
        self._count = options.workers
        self._generations: list[_Generation] = []
        self._begun_at = time.perf_counter()
        self._tasks: dict[int, asyncio.Future[int]] = {}
        self.rooms: defaultdict[str, list[Taken]] = defaultdict(list)
        self.killed: dict[int, float] = {}
        self.lines: list[str] = []
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        try:
            await self._launch()
        except BaseException:
            await self._stop_all()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop_all()

    def begin(self) -> None:
        """The storm begins: times are counted from here."""
        self._begun_at = time.perf_counter()

    # ---- who is where -------------------------------------------------------------------------------------

    def died(self, room: str) -> bool:
        """Whether a worker that had taken this room was killed."""
        return any(taken.pid in self.killed for taken in self.rooms.get(room, ()))

    def living(self, room: str) -> list[str]:
        """Identities of the agents of this room whose worker was not killed."""
        return [taken.identity for taken in self.rooms.get(room, ()) if taken.pid not in self.killed]

    def told(self, room: str) -> list[str]:
        """Who took this room, where and when, in words."""
        return [
            f"{taken.identity} of process {taken.pid} at {taken.at - self._begun_at:.1f} s"
            for taken in self.rooms.get(room, ())
        ]

    def waits(self, room: str) -> bool:
        """Whether an agent has taken this room."""
        return bool(self.living(room))

    # ---- what happens to them -----------------------------------------------------------------------------

    async def restart(self) -> Restart:
        """New workers up, then the old ones drained, as a rolling deployment does it. Raises `BenchError`."""
        (old,) = self._generations
        begun = time.perf_counter()
        await self._launch()
        ready = time.perf_counter()
        os.kill(old.process.pid, signal.SIGTERM)
        try:
            async with asyncio.timeout(END_LIMIT_S):
                code = await old.process.wait()
        except TimeoutError:
            raise BenchError(f"a restart: the old workers still run {END_LIMIT_S:g} s after SIGTERM") from None
        finally:
            await old.process.stop(grace_s=0.0)
            self._generations.remove(old)
        return Restart(begun - self._begun_at, ready - begun, time.perf_counter() - ready, code)

    async def kill(self, pid: int) -> Kill:
        """SIGKILL for one worker; returns when its supervisor has another one registered. Raises `BenchError`."""
        generation = self._generations[-1]
        registrations = len(generation.ports)
        at = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        self.killed[pid] = at
        rooms = tuple(room for room, taken in self.rooms.items() if taken[-1].pid == pid)
        await generation.ready(registrations + 1)
        return Kill(at - self._begun_at, pid, rooms, time.perf_counter() - at)

    # ---- what they hold -----------------------------------------------------------------------------------

    async def active_jobs(self) -> int | None:
        """Of all living workers together; None if one does not answer."""
        jobs = 0
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_LIMIT_S)) as session:
            for port in [port for generation in self._generations for port in generation.ports]:
                try:
                    async with session.get(f"http://127.0.0.1:{port}/worker") as answer:
                        # Fields that are 0 are left out of the answer.
                        jobs += int((await answer.json()).get("active_jobs", 0))
                except aiohttp.ClientConnectorError:
                    continue  # killed, and another one is in its place
                except (aiohttp.ClientError, TimeoutError):
                    return None
        return jobs

    async def held(self) -> tuple[list[Held], list[str]]:
        """One for each living worker that answers, and a line for each that does not."""
        ports = {port for generation in self._generations for port in generation.ports}
        found: list[Held] = []
        silent: list[str] = []
        for process in [each for generation in self._generations for each in tree(generation.process.pid)]:
            listening = {
                connection.laddr.port
                for connection in process.net_connections(kind="tcp")
                if connection.status == psutil.CONN_LISTEN
            }
            if not listening & ports:
                continue
            try:
                tasks = await self._count_tasks(process.pid)
            except TimeoutError:
                silent.append(f"the worker with process id {process.pid} did not answer for {ANSWER_LIMIT_S:g} s")
                continue
            memory_mb = process.memory_info().rss / 1e6
            found.append(Held(tasks, process.num_fds(), process.num_threads(), memory_mb))
        return found, silent

    async def _count_tasks(self, pid: int) -> int:
        self._tasks[pid] = answer = asyncio.get_running_loop().create_future()
        os.kill(pid, signal.SIGUSR1)
        async with asyncio.timeout(ANSWER_LIMIT_S):
            return await answer

    # ---- their processes ----------------------------------------------------------------------------------

    async def _launch(self) -> None:
        environment = self._place.environment(
            agent_name=AGENT_NAME,
            log_level="WARNING",
            caller_timeout=self._options.caller_timeout_s,
            drain_timeout=DRAIN_LIMIT_S,
            standby_rooms=0,  # the page keeps them
        )
        process = ChildProcess(
            [sys.executable, str(PROJECT / "bench" / "storm" / "program.py"), "start", "--announce", "--readable"],
            name=f"start {next(self._numbers)}",
            env=environment | {"WORKERS": str(self._count)},
            cwd=PROJECT,
            on_line=lambda line: self._on_line(generation, line),
        )
        generation = _Generation(process)
        await process.start()
        self._generations.append(generation)
        await generation.ready(self._count)

    async def _stop_all(self) -> None:
        await asyncio.gather(*(each.process.stop(grace_s=STOP_GRACE_S) for each in self._generations))

    def _on_line(self, generation: _Generation, line: str) -> None:
        if line.startswith(READY_PREFIX):
            self._note(generation, line)
            port = int(json.loads(line.removeprefix(READY_PREFIX))["health_port"])
            if port not in generation.ports:  # it registers again when LiveKit was away
                generation.ports.append(port)
                generation.changed.set()
        elif line.startswith(TOOK_PREFIX):
            taken = Taken(**json.loads(line.removeprefix(TOOK_PREFIX)), at=time.perf_counter())
            self.rooms[taken.room].append(taken)
        elif TASKS_PREFIX in line:  # written between two writes of another line, it does not begin one
            told, _ = json.JSONDecoder().raw_decode(line.partition(TASKS_PREFIX)[2])
            answer = self._tasks.pop(told["pid"], None)
            if answer is not None and not answer.done():
                answer.set_result(told["tasks"])
        else:
            self._note(generation, line)

    def _note(self, generation: _Generation, line: str) -> None:
        self.lines.append(f"{time.perf_counter() - self._begun_at:.1f} s {generation.process.name}: {line}")
