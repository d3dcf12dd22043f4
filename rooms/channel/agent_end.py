"""The calls of a service take text requests, each from its first word on: an observer of the call sees to that."""

from __future__ import annotations

import copy
import json
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from livekit import rtc
from livekit.agents import llm

from rooms.channel.agent_answers import AgentAnswers, TextNotTaken
from rooms.channel.agent_line import ASK, CANCEL, NEXT
from rooms.channel.agent_memory import AgentMemory

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from livekit.agents import JobContext

    from observe.observer import CallObserver, CallRecord, TurnRecord
    from service import Service


def with_requests(service: Service) -> Service:
    """`service`, with each call's agent answering what its caller's page asks in writing: see `rooms.channel`."""
    return replace(service, observers=Observers(service.observers))


@dataclass(frozen=True)
class Observers:
    """What a `Service` asks for the observers of a call; crosses a process border."""

    others: Callable[[JobContext], Sequence[CallObserver]] | None

    def __call__(self, context: JobContext) -> Sequence[CallObserver]:
        others = self.others(context) if self.others is not None else ()
        return [*others, RequestObserver(context)]


class RequestObserver:
    """Of one call. A text is answered by the session's language model, from a copy of the conversation so far.

    Nothing of it is spoken, tools are not offered. Question and answer become part of the conversation afterwards.
    """

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._answers: AgentAnswers | None = None
        self._memory: AgentMemory | None = None

    async def started(self, call: CallRecord) -> None:
        room = self._context.room
        if call.ended_by or not room.isconnected():
            return
        self._memory = memory = AgentMemory(self._context.primary_session)
        self._answers = answers = AgentAnswers(self._reply, memory.add)
        agent = room.local_participant
        agent.register_rpc_method(ASK, _method(answers.ask))
        agent.register_rpc_method(NEXT, _method(answers.next))
        agent.register_rpc_method(CANCEL, _method(answers.cancel))

    async def turned(self, call: CallRecord, turn: TurnRecord) -> None:
        """A turn changes nothing for what is written."""

    async def ended(self, call: CallRecord) -> None:
        if self._answers is None or self._memory is None:
            return
        if self._context.room.isconnected():
            for method in (ASK, NEXT, CANCEL):
                self._context.room.local_participant.unregister_rpc_method(method)
        await self._answers.aclose()
        await self._memory.aclose()

    async def _reply(self, text: str) -> AsyncGenerator[str]:
        session = self._context.primary_session
        agent = session.current_agent
        model = agent.llm or session.llm  # an agent without a model of its own has NotGiven, which is false
        if not isinstance(model, llm.LLM):
            raise TextNotTaken("the agent's model takes speech only")
        conversation = agent.chat_ctx.copy()
        conversation.add_message(role="user", content=text)
        stream = unheard(model).chat(
            chat_ctx=conversation, tools=[], conn_options=session.conn_options.llm_conn_options
        )
        async with stream, aclosing(_texts(stream)) as texts:
            async for part in texts:
                yield part


def unheard(model: llm.LLM[Any]) -> llm.LLM[Any]:
    """`model` on the same connections, without those who listen to it: the session would apologise for its failures."""
    twin = copy.copy(model)
    rtc.EventEmitter.__init__(twin)  # pyright: ignore[reportUnknownMemberType] livekit's is untyped
    return twin


async def _texts(stream: llm.LLMStream) -> AsyncGenerator[str]:
    async for chunk in stream:
        if chunk.delta is not None and chunk.delta.content:
            yield chunk.delta.content


def _method(
    answer: Callable[[dict[str, object]], Awaitable[dict[str, object]] | dict[str, object]],
) -> Callable[[rtc.RpcInvocationData], Awaitable[str]]:
    async def called(invocation: rtc.RpcInvocationData) -> str:
        try:
            payload: object = json.loads(invocation.payload)
        except (ValueError, RecursionError):
            payload = None
        if not isinstance(payload, dict):
            return json.dumps({"error": "refused", "message": "payload: must be a JSON object"})
        answered = answer(cast("dict[str, object]", payload))
        return json.dumps(answered if isinstance(answered, dict) else await answered, ensure_ascii=False)

    return called
