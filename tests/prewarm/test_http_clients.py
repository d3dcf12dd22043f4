"""The connections to the providers: their limits, and that nothing of them is left."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import openai
import pytest

from prewarm.http_clients import HttpClients
from tests.prewarm.wire import Wire
from utils.framework_private import create_ssl_context

if TYPE_CHECKING:
    from tests.conftest import MakeSettings


async def list_models(clients: HttpClients) -> None:
    await clients.openai.models.list()


async def until_at_once(wire: Wire, count: int) -> None:
    while wire.under_way < count:
        await asyncio.sleep(0.01)


async def test_http_max_connections_is_the_limit_of_the_llm_client(make_settings: MakeSettings) -> None:
    """Two connections allowed: of five requests two are at the server, the others wait their turn."""
    async with Wire(hanging=True) as wire:
        clients = HttpClients(
            make_settings(openai_api_key="x", http_max_connections=2, openai_base_url=f"http://{wire.address}/v1")
        )
        try:
            asked = [asyncio.create_task(list_models(clients)) for _ in range(5)]
            await until_at_once(wire, 2)
            first = wire.most_at_once
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        finally:
            await clients.aclose()
    assert first == 2


async def test_the_limit_of_the_stt_and_tts_session(make_settings: MakeSettings) -> None:
    """The same number, and HTTP_TIMEOUT for the connection; a stream itself may last as long as the call."""
    clients = HttpClients(make_settings(openai_api_key="x", http_max_connections=7, http_timeout=3.5))
    try:
        assert clients.session.connector is not None
        assert clients.session.connector.limit == 7
        assert (clients.session.timeout.total, clients.session.timeout.sock_connect) == (None, 3.5)
        assert clients.openai.timeout == 3.5
        assert clients.openai.max_retries == 0
    finally:
        await clients.aclose()


async def test_closing_closes_the_sockets_and_may_be_repeated(make_settings: MakeSettings) -> None:
    """Neither client answers afterwards, and the server sees both connections end."""
    async with Wire(status=400) as wire:
        clients = HttpClients(make_settings(openai_api_key="x", openai_base_url=f"http://{wire.address}/v1"))
        async with clients.session.get(f"http://{wire.address}/any") as answer:
            assert answer.status == 400
        with pytest.raises(openai.BadRequestError):
            await clients.openai.models.list()
        await clients.aclose()
        await clients.aclose()
        assert clients.session.closed
        assert clients.openai.is_closed()
        with pytest.raises(RuntimeError):
            await clients.session.get(f"http://{wire.address}/any")


async def test_the_certificates_are_parsed_once(make_settings: MakeSettings) -> None:
    """Parsing the CA bundle takes tens of milliseconds: every further client takes the same context."""
    first, second = HttpClients(make_settings(openai_api_key="x")), create_ssl_context()
    try:
        connector = first.session.connector
        assert isinstance(connector, aiohttp.TCPConnector)
        assert connector._ssl is second  # pyright: ignore[reportPrivateUsage]  # aiohttp shows it nowhere else
    finally:
        await first.aclose()
