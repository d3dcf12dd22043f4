"""The way from the service to the agent of one caller's room: a request starts there, and its answer is pulled.

Each call of `ASK` and `NEXT` says from which character on the answer is wanted, so that a repeated one does no harm.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rooms.channel.agent_rpc import LONGEST_HOLD_MS, AgentRpc, AgentRpcError, NoAgent
from rooms.channel.requests import AnswerError
from rooms.tokens import new_name
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from rooms.channel.requests import Kind
    from rooms.channel.session import Caller

log = get_logger("channel")

ASK = "firstword.ask"
NEXT = "firstword.ask.next"
CANCEL = "firstword.ask.cancel"
MOST_ATTEMPTS = 3
NO_AGENT = AnswerError("failed", "no agent is in the call that takes text requests")


class AgentLine:
    """An `Answerer` by the agent of the caller's room, which is looked up once."""

    def __init__(self, rpc: AgentRpc, caller: Caller) -> None:
        self._rpc = rpc
        self._caller = caller
        self._agent: str | None = None
        self._farewells: set[asyncio.Task[None]] = set()

    async def answer(self, text: str) -> AsyncGenerator[str]:
        """The agent's answer. Raises AnswerError."""
        request = new_name("ask")
        known = {"id": request, "by": self._caller.identity, "hold_ms": LONGEST_HOLD_MS}
        agent = ""
        at, ended = 0, False
        try:
            agent = await self._find()
            told = await self._call(agent, ASK, {**known, "at": at, "text": text})
            while True:
                part = told.get("text")
                if isinstance(part, str) and part:
                    at += len(part)
                    yield part
                if "error" in told:
                    ended = True
                    raise _error(told)
                if told.get("done") is True:
                    ended = True
                    return
                told = await self._call(agent, NEXT, {**known, "at": at})
        finally:
            if not ended and agent:
                self._say_cancelled(agent, request)

    async def aclose(self) -> None:
        """Waits until the agent knows of each cancelled request, or cannot be reached."""
        await asyncio.gather(*self._farewells)

    async def _find(self) -> str:
        if self._agent is None:
            try:
                self._agent = await self._rpc.find_agent(self._caller.room)
            except NoAgent:
                raise NO_AGENT from None
            except AgentRpcError as error:
                log.warning("the agent was not found", error=str(error))
                raise AnswerError("failed", "the agent cannot be reached") from None
        return self._agent

    async def _call(self, agent: str, method: str, payload: dict[str, object]) -> dict[str, object]:
        for attempt in range(1, MOST_ATTEMPTS + 1):
            try:
                return await self._rpc.call(self._caller.room, agent, method, payload)
            except AgentRpcError as error:
                if error.gone:
                    self._agent = None  # another one may have taken its place
                    raise NO_AGENT from None
                if attempt == MOST_ATTEMPTS:
                    log.warning("the agent did not answer", method=method, error=str(error))
        raise AnswerError("failed", "the agent cannot be reached")

    def _say_cancelled(self, agent: str, request: str) -> None:
        task = asyncio.create_task(self._cancel(agent, request), name="cancel of a text request")
        self._farewells.add(task)
        task.add_done_callback(self._farewells.discard)

    async def _cancel(self, agent: str, request: str) -> None:
        try:
            await self._rpc.call(self._caller.room, agent, CANCEL, {"id": request})
        except AgentRpcError as error:
            # The agent gives up what nobody asks for any more.
            log.debug("a cancel did not reach the agent", error=str(error))


def _error(told: dict[str, object]) -> AnswerError:
    message = str(told.get("message", "the answer failed"))
    kinds: dict[object, Kind] = {"refused": "refused", "busy": "busy", "timeout": "timeout"}
    return AnswerError(kinds.get(told["error"], "failed"), message)
