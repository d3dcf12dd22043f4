"""The agent of `dev`, kept up: anew after each change of a file, and again when it has died."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Protocol

from runtime.supervisor import CANNOT_START, HEALTHY_AFTER_S, LONGEST_BACKOFF_S

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from typing import NoReturn

FIRST_PAUSE_S = 0.5
NO_CRASH = (0, CANNOT_START)  # it was told to end, or to start it again would end the same way


class Agent(Protocol):
    """See `cli.agent_process.AgentProcess`."""

    async def start(self) -> bool: ...
    async def wait(self) -> int: ...
    async def stop(self) -> None: ...


class Upkeep:
    """`await Upkeep(agent, on_ready=welcome, say=print, complain=print).run(source_changes(root))`.

    `on_ready` is called each time that the agent is ready, `complain` when only the developer can go on.
    """

    def __init__(
        self,
        agent: Agent,
        *,
        on_ready: Callable[[], None],
        say: Callable[[str], None],
        complain: Callable[[str], None],
    ) -> None:
        self._agent = agent
        self._on_ready = on_ready
        self._say = say
        self._complain = complain

    async def run(self, changes: AsyncGenerator[list[str]]) -> NoReturn:
        """For ever: the agent anew after each list of `changes`, and again, after a pause, when it has crashed.

        One that does not get ready waits for the next change: tried again, it would fail again.
        """
        while True:
            # What is saved while the agent starts is a change as well, so the watch begins before it.
            change = asyncio.ensure_future(anext(changes))
            try:
                await self._keep(change)
                names = await change
            finally:
                change.cancel()
                await asyncio.wait([change])
            self._say(f"changed: {', '.join(names[:3])}{', ...' if len(names) > 3 else ''}")
            await self._agent.stop()

    async def _keep(self, change: asyncio.Future[list[str]]) -> None:
        """The agent of one edition: until `change` is done, or until only a change can help."""
        pause_s = 0.0
        while await self._agent.start():
            self._on_ready()
            ready_at = time.monotonic()
            ended = asyncio.ensure_future(self._agent.wait())
            try:
                await asyncio.wait([ended, change], return_when=asyncio.FIRST_COMPLETED)
            finally:
                ended.cancel()
                await asyncio.wait([ended])
            if change.done():
                return
            if ended.result() in NO_CRASH:
                self._complain("Save a file to start it again.")
                return
            pause_s = next_pause_s(pause_s, up_s=time.monotonic() - ready_at)
            self._say(f"agent is started again in {pause_s:g} s")
            await asyncio.wait([change], timeout=pause_s)
            if change.done():
                return
            await self._agent.stop()
        self._complain("Mend it and save: it is tried again.")


def next_pause_s(last_s: float, *, up_s: float) -> float:
    """How long to wait before an agent that was ready for `up_s` is started again; `last_s` is 0 the first time.

    Longer each time, as the supervisor of `start` does it.
    """
    if not last_s or up_s > HEALTHY_AFTER_S:
        return FIRST_PAUSE_S
    return min(2 * last_s, LONGEST_BACKOFF_S)
