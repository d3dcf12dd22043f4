"""Connections to the model that are open before a call is there, and handed to it with its agent."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import aiohttp

from examples.realtime_model.call_model import LONGEST_SESSION_S, CallModel
from service import Accounts, Brief
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from livekit.agents import Agent, JobContext

    from config import Settings
    from service import Choice, Prepare

log = get_logger("realtime")

ORDER = ("open", "connecting", "closed", "gone")


class StandbyModels(Accounts):
    """The template asks its accounts who answers a call: here it is an agent with a model that is connected.

    `make_agent` makes the agent of one call with the model, or without one: then the template's own STT, LLM and TTS
    serve it. POOL_SIZE connections wait; with ISOLATION=process the one call's own.
    """

    def __init__(
        self,
        make_agent: Callable[[CallModel | None], Agent],
        greeting: str,
        *,
        longest_session_s: float = LONGEST_SESSION_S,
    ) -> None:
        self._make_agent = make_agent
        self._greeting = greeting
        self._longest_session_s = longest_session_s
        self._settings: Settings | None = None
        self._http: aiohttp.ClientSession | None = None
        self._ready: deque[CallModel] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def ready(self) -> int:
        """Connections that are open and wait."""
        return sum(model.state == "open" for model in self._ready)

    async def open(self, settings: Settings, prepare: Prepare) -> None:
        self._settings = settings
        self._http = aiohttp.ClientSession()
        count = 1 if settings.isolation == "process" else settings.pool_size
        await asyncio.gather(*(self._fill() for _ in range(count)))

    async def find(self, context: JobContext, choice: Choice) -> Brief:
        settings = choice.settings
        model = None
        if settings.enable_interruptions:
            model = self._take()
        else:
            log.warning(
                "ENABLE_INTERRUPTIONS is off: a model that takes turns itself cannot do that, the pipeline does"
            )
        return Brief(self._make_agent(model), settings.greeting or self._greeting)

    async def aclose(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.gather(*(model.aclose() for model in self._ready))
        self._ready.clear()
        if self._http is not None:
            await self._http.close()

    def _take(self) -> CallModel | None:
        """One that is connected, else one that is about to be; None when the service cannot be reached.

        For each that is taken, or found to be gone, another one is made: the next call finds the service if it is back.
        """
        best = min(self._ready, key=lambda model: ORDER.index(model.state), default=None)
        if best is None:
            return self._model()
        if best.state != "gone":
            self._ready.remove(best)
            self._start(self._fill())
            return best
        log.warning("the model cannot be reached, the pipeline answers")
        for _ in range(len(self._ready)):
            self._start(self._ready.popleft().aclose())
            self._start(self._fill())
        return None

    async def _fill(self) -> None:
        model = self._model()
        self._ready.append(model)
        if not await model.open():
            log.warning("no connection to the model", model=model.model)

    def _model(self) -> CallModel:
        assert self._settings is not None, "open() comes first"
        assert self._http is not None, "open() comes first"
        return CallModel(self._settings, http=self._http, longest_session_s=self._longest_session_s)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
