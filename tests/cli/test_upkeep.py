"""What `dev` does with an agent that ends: started again, with growing pauses, or left until a file is saved."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from cli.upkeep import FIRST_PAUSE_S, Upkeep, next_pause_s
from runtime.supervisor import CANNOT_START, HEALTHY_AFTER_S, LONGEST_BACKOFF_S

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

CRASHED = 137
UP: None = None


class Agents:
    """An agent by a script, a start after the other: UP stays, a number ends with it, False is never ready."""

    def __init__(self, script: Sequence[int | bool | None]) -> None:
        self._script = list(script)
        self._now: int | bool | None = UP
        self.running = 0
        self.starts = 0

    async def start(self) -> bool:
        assert self.running == 0
        self._now = self._script[self.starts]
        self.starts += 1
        self.running = int(self._now is not False)
        return self._now is not False

    async def wait(self) -> int:
        if self._now is UP:
            await asyncio.Event().wait()
        return int(self._now or 0)

    async def stop(self) -> None:
        self.running = 0


class Run:
    """An upkeep that runs. `told` is what it says, complains of and is ready for, in its order."""

    def __init__(self, agents: Agents) -> None:
        self.agents = agents
        self.told: list[str] = []
        self._news = asyncio.Event()
        self._saved: asyncio.Queue[str] = asyncio.Queue()

    def save(self, name: str) -> None:
        self._saved.put_nowait(name)

    async def tells(self, count: int) -> list[str]:
        """The first `count` things that it told, as soon as it has."""
        async with asyncio.timeout(20):
            while len(self.told) < count:
                self._news.clear()
                await self._news.wait()
        return self.told[:count]

    def tell(self, line: str) -> None:
        self.told.append(line)
        self._news.set()

    async def changes(self) -> AsyncGenerator[list[str]]:
        while True:
            yield [await self._saved.get()]


@asynccontextmanager
async def upkeep(*script: int | bool | None) -> AsyncGenerator[Run]:
    run = Run(Agents(script))
    kept = Upkeep(
        run.agents,
        on_ready=lambda: run.tell("ready"),
        say=run.tell,
        complain=lambda line: run.tell(f"! {line}"),
    )
    async with aclosing(run.changes()) as changes:
        running = asyncio.create_task(kept.run(changes))
        yield run
        running.cancel()
        await asyncio.wait([running])
        assert running.cancelled(), running.exception()


async def test_a_crash_is_mended_by_a_start_after_growing_pauses() -> None:
    """Each with a line that says when, until it stays up."""
    async with upkeep(CRASHED, CRASHED, UP) as run:
        assert await run.tells(5) == [
            "ready",
            "agent is started again in 0.5 s",
            "ready",
            "agent is started again in 1 s",
            "ready",
        ]
        assert run.agents.starts == 3


async def test_what_never_gets_ready_waits_for_a_file() -> None:
    """Also after a crash: a mistake that is saved meanwhile must not be tried in a loop. Mended, it is at once."""
    async with upkeep(CRASHED, False, UP) as run:
        assert (await run.tells(3))[-1] == "! Mend it and save: it is tried again."
        await asyncio.sleep(2.5 * FIRST_PAUSE_S)
        assert run.agents.starts == 2
        run.save("agent.py")
        assert (await run.tells(5))[3:] == ["changed: agent.py", "ready"]


@pytest.mark.parametrize("code", [0, CANNOT_START])
async def test_what_ended_on_purpose_or_cannot_serve_waits_for_a_file(code: int) -> None:
    """It did not crash: started again, it would end the same way."""
    async with upkeep(code, UP) as run:
        assert await run.tells(2) == ["ready", "! Save a file to start it again."]
        await asyncio.sleep(2.5 * FIRST_PAUSE_S)
        assert run.agents.starts == 1
        run.save("agent.py")
        assert (await run.tells(4))[2:] == ["changed: agent.py", "ready"]


async def test_a_saved_file_ends_a_pause_and_what_runs() -> None:
    """The change is not lost in the pause, and the pauses begin anew with it."""
    async with upkeep(CRASHED, CRASHED, UP, CRASHED, UP) as run:
        await run.tells(4)
        run.save("config.py")
        assert (await run.tells(6))[4:] == ["changed: config.py", "ready"]
        assert run.agents.running == 1
        run.save("agent.py")
        assert (await run.tells(9))[6:] == ["changed: agent.py", "ready", "agent is started again in 0.5 s"]


@pytest.mark.parametrize(
    ("last_s", "up_s", "next_s"),
    [
        (0.0, 0.0, FIRST_PAUSE_S),
        (FIRST_PAUSE_S, 0.0, 2 * FIRST_PAUSE_S),
        (LONGEST_BACKOFF_S * 0.75, 1.0, LONGEST_BACKOFF_S),
        (LONGEST_BACKOFF_S, HEALTHY_AFTER_S - 1, LONGEST_BACKOFF_S),
        (LONGEST_BACKOFF_S, HEALTHY_AFTER_S + 1, FIRST_PAUSE_S),
    ],
)
def test_pauses_grow_up_to_a_limit_and_a_healthy_agent_begins_anew(last_s: float, up_s: float, next_s: float) -> None:
    """An agent that dies each day is back as soon as one that dies for the first time."""
    assert next_pause_s(last_s, up_s=up_s) == next_s
