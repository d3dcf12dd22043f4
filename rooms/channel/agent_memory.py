"""What was written beside the voice becomes part of the conversation, when that disturbs no turn under way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livekit.agents import AgentSession

QUIET_S = 1.0
"""A turn that has just been spoken is taken for ended, and its reply begun, within this."""
LONGEST_WAIT_S = 60.0
NEXT_S = 0.001
SILENT = ("listening", "idle")
EVENTS = ("agent_state_changed", "user_state_changed")


@dataclass(frozen=True)
class _Written:
    question: str
    answer: str
    asked_at_s: float


class AgentMemory:
    """Puts questions and answers into the chat context of the session's agent, by their time.

    A change of that context while a turn is under way would throw away a reply that was begun before its end. So it
    waits until nobody has spoken for `quiet_s`, at most `longest_wait_s`.
    """

    def __init__(
        self, session: AgentSession[Any], *, quiet_s: float = QUIET_S, longest_wait_s: float = LONGEST_WAIT_S
    ) -> None:
        self._session = session
        self._quiet_s = quiet_s
        self._longest_wait_s = longest_wait_s
        self._written: list[_Written] = []
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        for event in EVENTS:
            session.on(event, self._note)

    def add(self, question: str, answer: str, asked_at_s: float) -> None:
        """`asked_at_s` as `time.time()`."""
        self._written.append(_Written(question, answer, asked_at_s))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._remember(), name="memory of text requests")

    async def aclose(self) -> None:
        """What is not remembered by now, is not. Any number of times."""
        for event in EVENTS:
            self._session.off(event, self._note)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _note(self, _event: object) -> None:
        self._changed.set()

    async def _remember(self) -> None:
        while self._written:
            try:
                async with asyncio.timeout(self._longest_wait_s):
                    await self._quiet()
            except TimeoutError:
                pass
            agent = self._session.current_agent
            context = agent.chat_ctx.copy()
            for each in self._written:
                context.add_message(role="user", content=each.question, created_at=each.asked_at_s)
                # Behind its question, also where several were asked at once.
                answered_at_s = each.asked_at_s + NEXT_S
                context.add_message(role="assistant", content=each.answer, created_at=answered_at_s)
            self._written.clear()
            # Nothing is awaited in there but by realtime models: no message can come between.
            await agent.update_chat_ctx(context, exclude_invalid_function_calls=False)

    async def _quiet(self) -> None:
        while True:
            self._changed.clear()
            silent = self._session.agent_state in SILENT and self._session.user_state != "speaking"
            try:
                async with asyncio.timeout(self._quiet_s if silent else None):
                    await self._changed.wait()
            except TimeoutError:
                return
