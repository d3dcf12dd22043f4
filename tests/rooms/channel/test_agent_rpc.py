"""PerformRpc of livekit-server 1.13.5 by livekit-api's client: what is relied on, and that it works."""

from __future__ import annotations

import asyncio
import inspect
import json
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import pytest_asyncio
from aiohttp import ClientSession
from livekit import api, rtc
from livekit.api.room_service import RoomService
from livekit.api.twirp_client import TwirpClient
from livekit.protocol.room import PerformRpcRequest, PerformRpcResponse

from rooms.channel.agent_line import ASK, CANCEL, NEXT, AgentLine
from rooms.channel.agent_rpc import READ_FROM_VERSION, AgentRpc, AgentRpcError, NoAgent
from rooms.channel.requests import AnswerError
from rooms.channel.session import Caller
from rooms.tokens import ApiKey

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from sim.livekit_server import LocalLiveKit

WHERE = "read livekit/api/twirp_client.py and room_service.py and adapt rooms/channel/agent_rpc.py, then this test"


def test_the_installed_client_is_the_one_that_was_read() -> None:
    """It still has no wrapper for PerformRpc; its requests are made as they were."""
    assert version("livekit-api") == READ_FROM_VERSION, WHERE
    assert not hasattr(RoomService, "perform_rpc"), f"there is a wrapper now: {WHERE}"
    assert list(inspect.signature(TwirpClient.request).parameters)[1:6] == [
        "service",
        "method",
        "data",
        "headers",
        "response_class",
    ], WHERE
    assert list(PerformRpcRequest.DESCRIPTOR.fields_by_name) == [
        "room",
        "destination_identity",
        "method",
        "payload",
        "response_timeout_ms",
    ], WHERE
    assert list(PerformRpcResponse.DESCRIPTOR.fields_by_name) == ["payload"], WHERE


@pytest_asyncio.fixture
async def rpc(livekit: LocalLiveKit) -> AsyncIterator[AgentRpc]:
    async with ClientSession() as http:
        yield AgentRpc(http, livekit.url, ApiKey(livekit.api_key, livekit.api_secret))


@asynccontextmanager
async def agent(livekit: LocalLiveKit, room_name: str, *, kind: str = "agent") -> AsyncGenerator[rtc.LocalParticipant]:
    grants = api.VideoGrants(room_join=True, room=room_name, agent=True)
    signed = api.AccessToken(livekit.api_key, livekit.api_secret).with_identity(f"{kind}-1").with_grants(grants)
    room = rtc.Room()
    await room.connect(livekit.url, signed.with_kind(kind).to_jwt())  # pyright: ignore[reportArgumentType] a literal
    try:
        yield room.local_participant
    finally:
        await room.disconnect()


def room_name() -> str:
    return f"rpc-{uuid4().hex[:8]}"


def answering(answer: Callable[[dict[str, object]], object]) -> Callable[[rtc.RpcInvocationData], str]:
    return lambda invocation: json.dumps(answer(json.loads(invocation.payload)))


async def test_a_method_of_the_rooms_agent_is_called(livekit: LocalLiveKit, rpc: AgentRpc) -> None:
    """By its identity, with JSON both ways, in any language."""
    room = room_name()
    async with agent(livekit, room, kind="standard"), agent(livekit, room) as participant:
        participant.register_rpc_method("echo", answering(lambda payload: {"heard": payload["said"]}))
        assert await rpc.find_agent(room) == "agent-1"
        assert await rpc.call(room, "agent-1", "echo", {"said": "مرحبا"}) == {"heard": "مرحبا"}


async def reached(rpc: AgentRpc, room: str) -> None:
    """An agent is listed a moment before livekit-server can reach it."""
    while True:
        with suppress(AgentRpcError):
            await rpc.call(room, "agent-1", "here", {})
            return
        await asyncio.sleep(0.05)


async def test_what_keeps_an_agent_from_answering_is_told_apart(livekit: LocalLiveKit, rpc: AgentRpc) -> None:
    """No room, no agent in it, no such method, an answer that is none."""
    room = room_name()
    with pytest.raises(NoAgent):
        await rpc.find_agent(room)
    async with agent(livekit, room, kind="standard"):
        with pytest.raises(NoAgent):
            await rpc.find_agent(room)
    async with agent(livekit, room) as participant:
        participant.register_rpc_method("here", answering(lambda _: {}))
        await reached(rpc, room)
        with pytest.raises(AgentRpcError) as unknown:
            await rpc.call(room, "agent-1", "nothing", {})
        assert unknown.value.gone
        participant.register_rpc_method("odd", answering(lambda _: []))
        with pytest.raises(AgentRpcError, match="malformed answer"):
            await rpc.call(room, "agent-1", "odd", {})


async def test_an_answer_is_pulled_part_by_part(livekit: LocalLiveKit, rpc: AgentRpc) -> None:
    """From where the last part ended; a request that is left is cancelled, and the agent learns of it."""
    room, text = room_name(), "مرحبا and more"
    cancelled: asyncio.Queue[object] = asyncio.Queue()

    def part(payload: dict[str, object]) -> dict[str, object]:
        at = payload["at"]
        assert isinstance(at, int)
        return {"text": text[at : at + 3], "done": at + 3 >= len(text)}

    async with agent(livekit, room) as participant:
        participant.register_rpc_method(ASK, answering(part))
        participant.register_rpc_method(NEXT, answering(part))
        participant.register_rpc_method(CANCEL, answering(lambda payload: cancelled.put_nowait(payload["id"]) or {}))
        line = AgentLine(rpc, Caller(room, "ada"))
        assert "".join([piece async for piece in line.answer("a question")]) == text
        assert cancelled.empty()
        left = line.answer("another")
        assert await anext(left) == text[:3]
        await left.aclose()
        await line.aclose()
        assert str(cancelled.get_nowait()).startswith("ask-")


async def test_an_agent_that_is_not_there_is_no_answer(livekit: LocalLiveKit, rpc: AgentRpc) -> None:
    """The error is for the page; once there is an agent, it is found."""
    room = room_name()
    line = AgentLine(rpc, Caller(room, "ada"))
    with pytest.raises(AnswerError, match="no agent is in the call") as error:
        await anext(line.answer("a question"))
    assert error.value.kind == "failed"
    async with agent(livekit, room) as participant:
        participant.register_rpc_method(ASK, answering(lambda _: {"text": "yes", "done": True}))
        assert [piece async for piece in line.answer("a question")] == ["yes"]
        participant.register_rpc_method(ASK, answering(lambda _: {"error": "busy", "message": "later"}))
        with pytest.raises(AnswerError, match="later") as busy:
            await anext(line.answer("a question"))
        assert busy.value.kind == "busy"
