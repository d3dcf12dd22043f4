"""The processes of a benchmark: livekit-server, simulated providers, and the two workers that are compared."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import aiohttp
import psutil
from livekit import api

from bench.simulators import API_KEY
from bench.starter import READY_LINE
from cli.child_settings import child_environment
from cli.start import READY_PREFIX
from rooms.tokens import ApiKey, new_name
from sim.livekit_server import LocalLiveKit
from utils.child_process import ChildProcess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Side = Literal["starter", "firstword"]

PROJECT = Path(__file__).resolve().parent.parent
READY_LIMIT_S = 90.0
STOP_GRACE_S = 5.0
QUIET_SHARE = 0.2  # of one core
QUIET_WINDOW_S = 0.25
QUIET_LIMIT_S = 8.0
IDLE_LIMIT_S = 15.0
LOOK_AGAIN_S = 0.05


class BenchError(RuntimeError):
    """The benchmark cannot run: the message names the process and has its last lines."""


@dataclass(frozen=True)
class Providers:
    """Base URLs of the simulated providers."""

    openai_base_url: str
    elevenlabs_base_url: str
    soniox_base_url: str

    @property
    def stats_url(self) -> str:
        return self.openai_base_url.removesuffix("/v1") + "/sim/stats"


@dataclass
class Surroundings:
    """`async with Surroundings(latency="fixed", seed=1) as place:` has a livekit-server and providers of its own."""

    latency: str
    seed: int
    livekit: LocalLiveKit = field(default_factory=LocalLiveKit)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack, repr=False)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self.livekit)
            simulators = Announced("simulated providers", "{", self._simulator_arguments())
            urls = await stack.enter_async_context(simulators)
            self.providers = Providers(**json.loads("{" + urls))
            self.lk = api.LiveKitAPI(self.livekit.url, self.livekit.api_key, self.livekit.api_secret)
            stack.push_async_callback(self.lk.aclose)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    @property
    def key(self) -> ApiKey:
        return ApiKey(self.livekit.api_key, self.livekit.api_secret)

    def environment(self, **changes: object) -> dict[str, str]:
        """For a worker: this run's LiveKit and providers, and `changes` by the settings' names."""
        return child_environment(
            livekit_url=self.livekit.url,
            livekit_api_key=self.livekit.api_key,
            livekit_api_secret=self.livekit.api_secret,
            openai_api_key=API_KEY,
            soniox_api_key=API_KEY,
            eleven_api_key=API_KEY,
            openai_base_url=self.providers.openai_base_url,
            soniox_base_url=self.providers.soniox_base_url,
            elevenlabs_base_url=self.providers.elevenlabs_base_url,
            health_port=0,
            workers=1,
            **changes,
        )

    def _simulator_arguments(self) -> list[str]:
        choices = {"--profile": self.latency, "--seed": str(self.seed)}
        return ["-m", "bench.simulators", *(word for choice in choices.items() for word in choice)]


class Announced:
    """A Python process that prints a line beginning with `prefix` when it is ready.

    Entering it returns the rest of that line; raises `BenchError` if the line does not come. `lines_said` counts all
    lines of the process so far.
    """

    def __init__(
        self,
        name: str,
        prefix: str,
        arguments: Sequence[str],
        env: dict[str, str] | None = None,
        *,
        folder: Path = PROJECT,
    ) -> None:
        self.lines_said = 0
        self._prefix = prefix
        self._ready: asyncio.Future[str] | None = None
        self.process = ChildProcess([sys.executable, *arguments], name=name, env=env, cwd=folder, on_line=self._on_line)

    async def __aenter__(self) -> str:
        self._ready = ready = asyncio.get_running_loop().create_future()
        await self.process.start()
        ended = asyncio.create_task(self.process.wait())
        await asyncio.wait([ready, ended], timeout=READY_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        ended.cancel()
        if not ready.done():
            gone = self.process.returncode
            await self.process.stop(grace_s=0.0)
            said = "\n".join(self.process.last_lines)
            what = f"not ready after {READY_LIMIT_S:g} s" if gone is None else f"ended with exit code {gone}"
            raise BenchError(f"{self.process.name}: {what}; it said:\n{said}")
        return ready.result()

    async def __aexit__(self, *_: object) -> None:
        await self.process.stop(grace_s=STOP_GRACE_S)

    def check(self) -> None:
        """Raises `BenchError` if the process has ended, with its last words: what follows would all fail."""
        gone = self.process.returncode
        if gone is not None:
            said = "\n".join(self.process.last_lines)
            raise BenchError(f"{self.process.name}: ended with exit code {gone} during the run; it said:\n{said}")

    async def quiet(self) -> bool:
        """Wait until the process and its children rest, so that one side does not disturb the other."""
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + QUIET_LIMIT_S
        before = cpu_s(self.process.pid)
        while loop.time() < deadline_s:
            await asyncio.sleep(QUIET_WINDOW_S)
            after = cpu_s(self.process.pid)
            if after - before < QUIET_SHARE * QUIET_WINDOW_S and after >= before:
                return True
            before = after
        return False

    def _on_line(self, line: str) -> None:
        self.lines_said += 1
        if line.startswith(self._prefix) and self._ready is not None and not self._ready.done():
            self._ready.set_result(line.removeprefix(self._prefix))


class Worker(Announced):
    """One of the two sides, registered and warm inside the block, under an agent name of its own.

    `changes`: settings by field name, written over those of the run.
    """

    def __init__(
        self,
        place: Surroundings,
        side: Side,
        *,
        turn_detection: str = "vad",
        timeline_to_room: bool = False,
        arguments: Sequence[str] = ("agent.py", "start", "--announce", "--readable"),
        changes: Mapping[str, object] | None = None,
    ) -> None:
        self.side: Side = side
        self.agent_name = new_name(f"bench-{side}")
        self._health_port = 0
        usual: dict[str, object] = {"log_level": "WARNING", "timeline_to_room": timeline_to_room}
        env = place.environment(agent_name=self.agent_name, **usual | dict(changes or {}))
        if side == "firstword":
            super().__init__(side, READY_PREFIX, arguments, env)
        else:
            super().__init__(side, READY_LINE, ["-m", "bench.starter", "--turn-detection", turn_detection], env)

    async def __aenter__(self) -> str:
        facts = await super().__aenter__()
        if self.side == "firstword":
            self._health_port = int(json.loads(facts)["health_port"])
        return facts

    async def idle(self) -> bool:
        """Wait until no call is on; False if one is still on after IDLE_LIMIT_S. Only of this project's worker."""
        address = f"http://127.0.0.1:{self._health_port}/worker"
        deadline_s = time.monotonic() + IDLE_LIMIT_S
        async with aiohttp.ClientSession() as session:
            while time.monotonic() < deadline_s:
                async with session.get(address) as answer:
                    # Fields that are 0 are left out of the answer.
                    if not (await answer.json()).get("active_jobs", 0):
                        return True
                await asyncio.sleep(LOOK_AGAIN_S)
        return False


def tree(pid: int) -> list[psutil.Process]:
    """The process and all below it; empty if it is gone."""
    try:
        root = psutil.Process(pid)
        return [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_s(pid: int) -> float:
    """CPU seconds that the living processes of the tree have used."""
    used = 0.0
    for process in tree(pid):
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
    return used
