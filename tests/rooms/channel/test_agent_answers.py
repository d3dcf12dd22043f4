"""At the agent: an answer is told from any place on, once is as good as twice, and nothing goes on for nobody."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from rooms.channel import agent_answers
from rooms.channel.agent_answers import MOST_ANSWER_CHARS, MOST_AT_ONCE, MOST_KEPT, AgentAnswers, TextNotTaken

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator


class Model:
    """Says its parts, and waits before each until it may."""

    def __init__(self, *parts: str, free: bool = True) -> None:
        self.parts = parts
        self.may = asyncio.Semaphore(1000 if free else 0)
        self.asked: list[str] = []
        self.running = 0

    async def reply(self, text: str) -> AsyncGenerator[str]:
        self.asked.append(text)
        self.running += 1
        try:
            for part in self.parts:
                await self.may.acquire()
                if part == "raise":
                    raise RuntimeError("the secret of a provider")
                if part == "not taken":
                    raise TextNotTaken("speech only")
                yield part
        finally:
            self.running -= 1


@asynccontextmanager
async def answers(model: Model, **options: float) -> AsyncGenerator[tuple[AgentAnswers, list[tuple[str, str]]]]:
    completed: list[tuple[str, str]] = []
    at_agent = AgentAnswers(model.reply, lambda asked, answered, _: completed.append((asked, answered)), **options)
    try:
        yield at_agent, completed
    finally:
        await at_agent.aclose()
        assert model.running == 0


def call(at: int = 0, request: str = "a", *, hold_ms: int = 1000, text: str | None = None) -> dict[str, object]:
    payload: dict[str, object] = {"id": request, "at": at, "hold_ms": hold_ms}
    return payload if text is None else {**payload, "text": text}


async def test_an_answer_comes_as_it_grows() -> None:
    """Each call waits for what is new; the last one says that it is done."""
    model = Model("one ", "two ", free=False)
    async with answers(model) as (agent, completed):
        first = asyncio.create_task(agent.ask(call(text="count")))
        model.may.release()
        assert await first == {"text": "one "}
        assert await agent.next(call(4, hold_ms=0)) == {"text": ""}
        model.may.release()
        assert await agent.next(call(4)) in ({"text": "two "}, {"text": "two ", "done": True})
        assert await agent.next(call(8)) == {"text": "", "done": True}
        assert completed == [("count", "one two ")]


async def test_a_call_that_comes_twice_does_no_harm() -> None:
    """The model is asked once; each place can be asked for again."""
    model = Model("one ", "two")
    async with answers(model) as (agent, completed):
        for _ in range(3):
            await agent.ask(call(text="count"))
            assert await agent.next(call(7)) == {"text": "", "done": True}
            assert await agent.next(call(4)) == {"text": "two", "done": True}
        assert model.asked == ["count"]
        assert len(completed) == 1


async def test_a_request_that_is_cancelled_stops_the_model() -> None:
    """And is not known any more; nothing of it is remembered."""
    model = Model("one ", "two", free=False)
    async with answers(model) as (agent, completed):
        model.may.release()
        await agent.ask(call(text="count"))
        assert agent.cancel(call()) == {}
        assert agent.cancel(call()) == {}
        assert "error" in await agent.next(call(4))
        while model.running:
            await asyncio.sleep(0)
        assert completed == []


async def test_what_nobody_asks_for_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cancel may have been lost with the service."""
    monkeypatch.setattr(agent_answers, "ABANDONED_S", 0.05)
    model = Model("one ", free=False)
    async with answers(model) as (agent, _):
        await agent.ask(call(text="count", hold_ms=0))
        while agent.in_flight:
            await asyncio.sleep(0.01)
        assert (await agent.next(call()))["error"] == "failed"


@pytest.mark.parametrize(
    ("part", "error", "message"),
    [("raise", "failed", "the language model did not answer"), ("not taken", "refused", "speech only")],
)
async def test_why_there_is_no_answer(part: str, error: str, message: str) -> None:
    """What was said before it is told first; a provider's words are not."""
    async with answers(Model("so far", part)) as (agent, completed):
        told = await agent.ask(call(text="count"))
        told = told if "error" in told else await agent.next(call(6))
        assert (told["error"], told["message"]) == (error, message)
        assert completed == []


async def test_an_answer_has_limits() -> None:
    """Of time, of length, and of how many there are at once; done ones are kept for a while only."""
    async with answers(Model("x", free=False), limit_s=0.05) as (agent, _):
        assert (await agent.ask(call(text="count")))["error"] == "timeout"
    async with answers(Model(*["x" * 1000] * 20)) as (agent, completed):
        at = 0
        while not (told := await agent.ask(call(at, text="count"))).get("done"):
            at += len(str(told["text"]))
        assert len(completed[0][1]) == MOST_ANSWER_CHARS
    model = Model("x", free=False)
    async with answers(model) as (agent, _):
        for number in range(MOST_AT_ONCE):
            await agent.ask(call(request=f"r{number}", text="count", hold_ms=0))
        assert (await agent.ask(call(request="more", text="count")))["error"] == "busy"
    async with answers(Model("x")) as (agent, _):
        for number in range(MOST_KEPT + 5):
            assert (await agent.ask(call(request=f"r{number}", text="count")))["text"] == "x"
        assert (await agent.next(call(request="r0")))["error"] == "refused"
        assert (await agent.next(call(request="r9")))["text"] == "x"


@pytest.mark.parametrize(
    "payload", [{}, {"id": 7}, {"id": "a"}, {"id": "a", "text": " "}, {"id": "a", "text": "x" * 2001}, {"id": ""}]
)
async def test_a_payload_that_is_no_request_is_refused(payload: dict[str, object]) -> None:
    """Any participant may call the method."""
    async with answers(Model("x")) as (agent, _):
        assert (await agent.ask(payload))["error"] == "refused"
        assert (await agent.next({**payload, "at": -1}))["error"] == "refused"
