"""A reply that is thrown away takes its connection with it; the next one finds another that is open."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web
from livekit.agents import AgentSession
from livekit.agents.llm import ChatContext

from prewarm.http_clients import HttpClients
from prewarm.warm_llm import REPLIES_A_SPARE, PooledLLM, model_url

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    import pytest
    from livekit.agents.llm import LLMStream

    from tests.conftest import MakeSettings

MODEL = "gpt-4o-mini"
TOKEN = 'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[%s]}\n\n'
WORD = (TOKEN % '{"index":0,"delta":{"role":"assistant","content":"Yes"}}').encode()


class Llm:
    """Answers on as many connections as it is asked on, and knows them by the client's port.

    `ends`: a reply has an end. `hanging`: a GET is never answered.
    """

    def __init__(self, *, ends: bool = False, hanging: bool = False) -> None:
        self.ends = ends
        self._hanging = hanging
        self.chats: list[int] = []
        self.gets: list[int] = []
        self.paths: list[str] = []
        self.cold_chats = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._runner.addresses[0][1]}"

    @property
    def handshakes(self) -> int:
        return len({*self.chats, *self.gets})

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._get)
        app.router.add_post("/v1/chat/completions", self._chat)
        self._runner = web.AppRunner(app, shutdown_timeout=0.0, handler_cancellation=True, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _get(self, request: web.Request) -> web.StreamResponse:
        self.gets.append(_port(request))
        self.paths.append(request.raw_path)
        if self._hanging:
            await asyncio.Event().wait()
        return web.json_response({"object": "list", "data": []})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        port = _port(request)
        self.cold_chats += port not in {*self.chats, *self.gets}
        self.chats.append(port)
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(WORD)
        if not self.ends:
            await asyncio.Event().wait()
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response


def _port(request: web.Request) -> int:
    assert request.transport is not None
    return int(request.transport.get_extra_info("peername")[1])


@asynccontextmanager
async def clients_of(server: Llm, make_settings: MakeSettings, **settings: Any) -> AsyncGenerator[HttpClients]:
    spare = settings.pop("spare_connection", True)
    made = make_settings(openai_api_key="hidden-key", openai_base_url=f"http://{server.address}/v1", **settings)
    clients = HttpClients(made, spare_connection=spare)
    try:
        yield clients
    finally:
        await clients.aclose()


def llm_of(clients: HttpClients) -> PooledLLM:
    return PooledLLM(look=clients.to_llm.look, model=MODEL, client=clients.openai)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


async def begun(llm: PooledLLM) -> LLMStream:
    """A reply of which the first word has come."""
    context = ChatContext()
    context.add_message(role="user", content="Are you open?")
    stream = llm.chat(chat_ctx=context)
    chunk = await anext(stream)
    assert chunk.delta is not None
    assert chunk.delta.content == "Yes"
    return stream


async def warm(clients: HttpClients) -> PooledLLM:
    llm = llm_of(clients)
    llm.prewarm()
    await until(lambda: clients.to_llm.idle == 1)
    return llm


async def test_a_reply_behind_one_that_was_thrown_away_finds_an_open_connection(make_settings: MakeSettings) -> None:
    """Six replies, each begun in the moment in which the one before is thrown away: no handshake for any of them."""
    async with Llm() as server, clients_of(server, make_settings) as clients:
        llm = await warm(clients)
        stream = await begun(llm)
        for _ in range(5):
            await until(lambda: clients.to_llm.idle > 0)
            await stream.aclose()
            stream = await begun(llm)
        await stream.aclose()
        assert (len(server.chats), len(set(server.chats))) == (6, 6)
        assert (server.cold_chats, clients.to_llm.cold) == (0, 0)
        assert clients.to_llm.opened <= 7


async def test_without_a_spare_each_of_them_waits_for_a_handshake(make_settings: MakeSettings) -> None:
    """What the spare connection is for; nothing is asked of the server but the replies and the prewarming."""
    async with Llm() as server, clients_of(server, make_settings, spare_connection=False) as clients:
        llm = await warm(clients)
        for _ in range(3):
            stream = await begun(llm)
            await stream.aclose()
        assert (server.cold_chats, clients.to_llm.cold) == (2, 2)
        assert len(server.gets) == 1


async def test_replies_that_end_cost_nothing(make_settings: MakeSettings) -> None:
    """One connection for all of them; a second one was opened behind the first reply."""
    async with Llm(ends=True) as server, clients_of(server, make_settings) as clients:
        llm = await warm(clients)
        for _ in range(5):
            stream = await begun(llm)
            async for _ in stream:
                pass
            await stream.aclose()
            await until(lambda: clients.to_llm.idle > 0)
        assert server.cold_chats == 0
        assert server.handshakes <= 2


async def test_an_open_connection_is_enough_for_a_new_session(make_settings: MakeSettings) -> None:
    """The framework prewarms the LLM of each session, and so does the pool: one request for all."""
    async with Llm() as server, clients_of(server, make_settings) as clients:
        await warm(clients)
        for _ in range(3):
            session = AgentSession[None](llm=llm_of(clients))
            await session.aclose()
        assert len(server.gets) == 1
        assert server.paths == [f"/v1/models/{MODEL}"]


async def test_many_replies_at_once_get_more_than_one_spare(make_settings: MakeSettings) -> None:
    """One, and one more for every four connections that are in use."""
    async with Llm() as server, clients_of(server, make_settings) as clients:
        llm = llm_of(clients)
        streams = await asyncio.gather(*(begun(llm) for _ in range(REPLIES_A_SPARE)))
        await until(lambda: clients.to_llm.idle > 0)
        opened_first = clients.to_llm.opened
        streams.extend(await asyncio.gather(*(begun(llm) for _ in range(clients.to_llm.idle))))
        await until(lambda: clients.to_llm.opened > opened_first and clients.to_llm.idle == 2)
        await asyncio.gather(*(stream.aclose() for stream in streams))


async def test_the_limit_of_connections_holds_for_the_spare_too(make_settings: MakeSettings) -> None:
    """HTTP_MAX_CONNECTIONS=1: the reply has it, and no request waits behind it for nothing."""
    async with Llm() as server, clients_of(server, make_settings, http_max_connections=1) as clients:
        stream = await begun(llm_of(clients))
        clients.to_llm.look()
        await until(lambda: not _opening())
        assert (server.gets, clients.to_llm.opened) == ([], 0)
        await stream.aclose()
        await until(lambda: clients.to_llm.idle == 1)


async def test_a_provider_that_is_away_disturbs_nobody(make_settings: MakeSettings) -> None:
    """The attempt is counted and forgotten; the next look tries again."""
    async with Llm() as server:
        address = server.address
    clients = HttpClients(make_settings(openai_api_key="x", openai_base_url=f"http://{address}/v1"))
    for attempt in (1, 2):
        clients.to_llm.look()
        clients.to_llm.look()
        await until(lambda: not _opening())
        assert (clients.to_llm.opened, clients.to_llm.idle) == (attempt, 0)
    await clients.aclose()


async def test_closing_ends_what_is_being_opened(make_settings: MakeSettings) -> None:
    """A server that accepts and says nothing; afterwards no connection is opened any more."""
    async with Llm(hanging=True) as server:
        async with clients_of(server, make_settings) as clients:
            clients.to_llm.look()
            await until(lambda: len(server.gets) == 1)
        clients.to_llm.look()
        assert not _opening()


async def test_the_proxy_of_the_environment_is_used(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HTTP_PROXY and NO_PROXY, as a client with the stock transport reads them."""
    async with Llm() as proxy:
        monkeypatch.setenv("http_proxy", f"http://{proxy.address}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        clients = HttpClients(make_settings(openai_api_key="x", openai_base_url="http://llm.invalid/v1"))
        await clients.openai.models.list()
        assert proxy.paths == ["http://llm.invalid/v1/models"]
        await clients.aclose()
        async with Llm() as server, clients_of(server, make_settings) as direct:
            await direct.openai.models.list()
            assert server.paths == ["/v1/models"]


async def test_what_it_prints_has_no_key(make_settings: MakeSettings) -> None:
    """Its state, for a failing test's message."""
    async with Llm() as server, clients_of(server, make_settings) as clients:
        await warm(clients)
        assert repr(clients.to_llm) == "<WarmTransport 1 idle, 1 opened, 0 cold requests>"


def test_a_models_name_may_hold_anything() -> None:
    """LLM_MODEL is free text."""
    assert model_url("https://host/v1", "org/one two?") == "https://host/v1/models/org%2Fone%20two%3F"


def _opening() -> bool:
    return any(task.get_name() == "open a connection" for task in asyncio.all_tasks())
