"""The program as a user runs it: a project of its own that has only `agent.py`, a clean environment, its output."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import socket
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from config import Settings
from utils.child_process import ChildProcess

if TYPE_CHECKING:
    import signal
    from collections.abc import AsyncGenerator

ROOT = Path(__file__).parents[2]


class Program:
    """A running command. Its output, both streams, is in `lines`."""

    def __init__(self, process: ChildProcess, lines: list[str], news: asyncio.Event) -> None:
        self._process = process
        self._news = news
        self.lines = lines

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def records(self, event: str | None = None) -> list[dict[str, Any]]:
        """The lines of its log, each of which must be JSON; of one event, or all."""
        records = [json.loads(line) for line in self.lines]
        return [record for record in records if event in (None, record["event"])]

    async def says(self, pattern: str, *, after: int = 0, timeout_s: float = 30.0) -> re.Match[str]:
        """Wait for a line, from number `after` on, that `pattern` is found in. Fails at once if the program ends."""
        ended = asyncio.create_task(self._process.wait())
        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    found = next(filter(None, (re.search(pattern, line) for line in self.lines[after:])), None)
                    if found is not None:
                        return found
                    assert not ended.done(), f"ended without saying {pattern!r}:\n{self.output}"
                    self._news.clear()
                    news = asyncio.create_task(self._news.wait())
                    await asyncio.wait([news, ended], return_when=asyncio.FIRST_COMPLETED)
                    news.cancel()
        except TimeoutError:
            raise AssertionError(f"no line like {pattern!r} within {timeout_s:g} s:\n{self.output}") from None
        finally:
            ended.cancel()

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    async def ends(self, timeout_s: float = 20.0) -> int:
        """Its exit code."""
        try:
            async with asyncio.timeout(timeout_s):
                return await self._process.wait()
        except TimeoutError:
            raise AssertionError(f"still runs after {timeout_s:g} s:\n{self.output}") from None

    def tree(self) -> list[psutil.Process]:
        """Every process below it, and itself."""
        own = psutil.Process(self.pid)
        return [own, *own.children(recursive=True)]


@asynccontextmanager
async def program(project: Path, *arguments: str, **environment: str) -> AsyncGenerator[Program]:
    """`python agent.py <arguments>` in `project`, until the end of the block."""
    lines: list[str] = []
    news = asyncio.Event()

    def note(line: str) -> None:
        lines.append(line)
        news.set()

    argv = [sys.executable, "agent.py", *arguments]
    process = ChildProcess(argv, name="program", cwd=project, env=clean_environment(**environment), on_line=note)
    async with process:
        yield Program(process, lines, news)


@dataclass(frozen=True)
class Ran:
    """A command that has ended: its exit code and its output, both streams."""

    code: int
    output: str


async def ran(project: Path, *arguments: str, **environment: str) -> Ran:
    """`python agent.py <arguments>`, which ends by itself."""
    async with program(project, *arguments, **environment) as it:
        return Ran(await it.ends(), it.output)


def new_project(folder: Path) -> Path:
    """A folder with a copy of `agent.py`; the rest comes from this repository."""
    shutil.copy(ROOT / "agent.py", folder)
    return folder


def clean_environment(**changes: str) -> dict[str, str]:
    """This process's environment without settings, at 80 columns without colours."""
    ours = {name.upper() for name in Settings.model_fields} - {"GREETING_CACHE_DIR"}  # the run's: not the user's home
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "80", "NO_COLOR": "1"} | changes


def free_ports(count: int) -> int:
    """The first of `count` ports in a row that nothing on loopback uses now."""
    while True:
        held: list[socket.socket] = []
        try:
            first = _bound(held, 0)
            for offset in range(1, count):
                _bound(held, first + offset)
        except (OSError, OverflowError):
            continue
        else:
            return first
        finally:
            for each in held:
                each.close()


def is_open(port: int) -> bool:
    """Whether something on loopback listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def gone(processes: list[psutil.Process], *, timeout_s: float) -> list[psutil.Process]:
    """Those of `processes` that still run after `timeout_s`."""
    _, left = await asyncio.to_thread(psutil.wait_procs, processes, timeout_s)
    return left


def _bound(held: list[socket.socket], port: int) -> int:
    probe = socket.socket()
    held.append(probe)
    probe.bind(("127.0.0.1", port))
    return int(probe.getsockname()[1])
