"""What was written becomes part of the conversation when nobody speaks, in the order of its time."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, cast

from livekit import rtc
from livekit.agents import Agent
from livekit.agents.llm import ChatMessage
from livekit.plugins import openai

from rooms.channel.agent_end import unheard
from rooms.channel.agent_memory import AgentMemory

if TYPE_CHECKING:
    from livekit.agents import AgentSession


class Talk(rtc.EventEmitter[str]):
    """What a session tells of who is speaking, and its agent."""

    def __init__(self) -> None:
        super().__init__()
        self.agent_state = "speaking"
        self.user_state = "listening"
        self.current_agent = Agent(instructions="-")

    def become(self, agent_state: str, user_state: str) -> None:
        self.agent_state, self.user_state = agent_state, user_state
        self.emit("agent_state_changed", None)

    @property
    def texts(self) -> list[str | None]:
        return [item.text_content for item in self.current_agent.chat_ctx.items if isinstance(item, ChatMessage)]


def memory_of(talk: Talk, **options: float) -> AgentMemory:
    return AgentMemory(cast("AgentSession[Any]", talk), **options)


async def test_what_was_written_waits_until_nobody_speaks() -> None:
    """Not while the agent speaks or thinks, nor while the caller does; then each answer stands behind its question."""
    talk = Talk()
    memory = memory_of(talk, quiet_s=0.02)
    now_s = time.time()
    memory.add("Where?", "Here.", now_s - 60)
    memory.add("When?", "Now.", now_s - 50)
    for states in (("thinking", "listening"), ("listening", "speaking"), ("speaking", "listening")):
        talk.become(*states)
        await asyncio.sleep(0.1)
        assert talk.texts == []
    talk.become("listening", "listening")
    while not talk.texts:
        await asyncio.sleep(0.01)
    assert talk.texts == ["Where?", "Here.", "When?", "Now."]
    memory.add("Who?", "Me.", now_s - 55)
    while len(talk.texts) < 6:
        await asyncio.sleep(0.01)
    assert talk.texts == ["Where?", "Here.", "Who?", "Me.", "When?", "Now."]
    await memory.aclose()


async def test_what_waits_for_too_long_is_put_in_and_a_closed_memory_forgets() -> None:
    """An agent that never stops would never know of it; after the call nobody does."""
    talk = Talk()
    memory = memory_of(talk, longest_wait_s=0.02)
    memory.add("Where?", "Here.", time.time())
    while not talk.texts:
        await asyncio.sleep(0.01)
    memory.add("When?", "Now.", time.time())
    await memory.aclose()
    await memory.aclose()
    talk.become("listening", "listening")
    assert talk.texts == ["Where?", "Here."]


async def test_a_twin_of_a_model_is_heard_by_nobody() -> None:
    """On the same connections: the session would take its failures for those of the voice."""
    model = openai.LLM(api_key="sim", base_url="http://127.0.0.1:9/v1")
    heard: list[object] = []
    model.on("error", heard.append)
    twin = unheard(model)
    twin.emit("error", "of the twin")
    assert heard == []
    model.emit("error", "of the model")
    assert heard == ["of the model"]
    assert vars(twin).keys() == vars(model).keys()
    await model.aclose()
