"""This project's worker with the accounts of the benchmark, and what it says and counts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import TYPE_CHECKING, Any

from bench.accounts.program import TOLD_PREFIX, Told
from bench.workers import BenchError, Surroundings, Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sim.livekit_server import LocalLiveKit

ANSWER_LIMIT_S = 30.0
ASK_AGAIN_S = 6.0  # an answer can be lost among the lines that native code writes
LOOK_AGAIN_S = 0.1
MAX_CALLS = 60
OF_ACCOUNTS = "[accounts]"
"""Whose lines they are; others tell how busy the machine is."""


class AccountSurroundings(Surroundings):
    """With simulated providers that write what the LLM is asked to `asked`."""

    def __init__(self, seed: int, livekit: LocalLiveKit, asked: Path) -> None:
        super().__init__("fixed", seed, livekit)
        self._asked = asked

    def _simulator_arguments(self) -> list[str]:
        return ["-m", "bench.accounts.simulators", "--seed", str(self.seed), "--asked", str(self._asked)]


class Place:
    """The files of a run, in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked = folder / "asked.jsonl"
        self.faults = folder / "faults.json"
        self.experiments = folder / "experiments.yaml"
        self.greetings = folder / "greetings"
        self.url = f"sqlite:///{folder / 'accounts.db'}"

    def greeting_bytes(self) -> int:
        """Of the greetings on disk, with all that keeps them."""
        return sum(file.stat().st_size for file in self.greetings.rglob("*") if file.is_file())


class AccountsWorker(Worker):
    """`preload` accounts and their greetings are ready before its first call: see `settled`."""

    def __init__(self, place: Surroundings, files: Place, *, preload: int, cache: int) -> None:
        changes: dict[str, object] = {
            "accounts_url": files.url,
            "accounts_preload": preload,
            "accounts_cache_size": cache,
            "experiments_file": files.experiments,
            "experiments": "",
            "greeting": "",
            "greeting_cache": "disk",
            "greeting_cache_dir": files.greetings,
            "max_calls": MAX_CALLS,
        }
        arguments = ("-m", "bench.accounts.program", str(files.faults))
        super().__init__(place, "firstword", timeline_to_room=True, arguments=arguments, changes=changes)
        self.lines: list[str] = []
        """What it warned of, about accounts."""
        self._told: asyncio.Future[Told] | None = None

    async def told(self) -> Told:
        """What it counted until now. Raises `BenchError` if it does not answer."""
        self.check()
        self._told = told = asyncio.get_running_loop().create_future()
        for _ in range(round(ANSWER_LIMIT_S / ASK_AGAIN_S)):
            os.kill(self.process.pid, signal.SIGUSR1)
            await asyncio.wait([told], timeout=ASK_AGAIN_S)
            if told.done():
                return told.result()
        raise BenchError(f"{self.process.name}: told nothing within {ANSWER_LIMIT_S:g} s")

    async def until(self, what: str, holds: Callable[[dict[str, int]], bool], limit_s: float) -> Told:
        """Wait until its counts are as they should be. Raises `BenchError`, which says `what`."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + limit_s
        while True:
            told = await self.told()
            if holds(told.counts):
                return told
            if loop.time() > deadline_s:
                raise BenchError(f"{self.process.name}: not within {limit_s:g} s: {what}; it counted {told.counts}")
            await asyncio.sleep(LOOK_AGAIN_S)

    def _on_line(self, line: str) -> None:
        if line.startswith(TOLD_PREFIX):
            if self._told is not None and not self._told.done():
                content: dict[str, Any] = json.loads(line.removeprefix(TOLD_PREFIX))
                self._told.set_result(Told(**content))
        elif OF_ACCOUNTS in line:
            self.lines.append(line)
        super()._on_line(line)
