"""The relay that loses by a pattern: what is lost is lost, all else passes, and so do the ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from aiohttp import ClientSession, WSMsgType, web

from sim.flaky_socket import FlakySocket, Losses

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture
async def ended() -> asyncio.Queue[int | None]:
    """The close codes that the service has seen."""
    return asyncio.Queue()


@pytest_asyncio.fixture
async def echo(ended: asyncio.Queue[int | None]) -> AsyncIterator[str]:
    """A service that sends back each message, and leaves with a code of its own after "leave"."""

    async def answer(request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        async for message in connection:
            if message.data == "leave":
                await connection.close(code=4429, message=b"later")
            else:
                await connection.send_str(message.data)
        ended.put_nowait(connection.close_code)
        return connection

    app = web.Application()
    app.add_routes([web.get("/", answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_every_third_message_of_each_direction_never_arrives(echo: str) -> None:
    """Of 9 the service gets 6, of whose echoes 4 come back; the connection lives on."""
    async with FlakySocket(echo, Losses(message=3)) as relay, ClientSession() as http:
        async with http.ws_connect(relay.url) as page:
            for number in range(1, 10):
                await page.send_str(str(number))
            assert [(await page.receive_str()) for _ in range(4)] == ["1", "2", "5", "7"]
        assert (relay.counts.to_service, relay.counts.to_page, relay.counts.lost) == (9, 6, 5)


async def test_every_second_connection_is_broken_off_without_a_word(echo: str) -> None:
    """Neither a message nor a close frame comes over it."""
    async with FlakySocket(echo, Losses(connection=2)) as relay, ClientSession() as http:
        for number in range(1, 5):
            async with http.ws_connect(relay.url) as page:
                if number % 2:
                    await page.send_str("one")
                    assert await page.receive_str() == "one"
                else:
                    assert (await page.receive()).type in (WSMsgType.CLOSED, WSMsgType.ERROR)
                    assert page.close_code != 1000
        assert (relay.counts.connections, relay.counts.broken) == (4, 2)


async def test_a_connection_is_cut_on_both_sides(echo: str, ended: asyncio.Queue[int | None]) -> None:
    """After its messages; the service hears of no end in order."""
    async with FlakySocket(echo, Losses(cut_after=4)) as relay, ClientSession() as http:
        async with http.ws_connect(relay.url) as page:
            for number in range(2):
                await page.send_str(str(number))
                assert await page.receive_str() == str(number)
            await page.send_str("3")
            assert (await page.receive()).type in (WSMsgType.CLOSED, WSMsgType.ERROR)
        assert await ended.get() in (None, 1006)


async def test_ends_in_order_pass_with_their_code_and_words(echo: str, ended: asyncio.Queue[int | None]) -> None:
    """The service's at the page, the page's at the service."""
    async with FlakySocket(echo, Losses()) as relay, ClientSession() as http:
        async with http.ws_connect(relay.url, autoclose=False) as page:
            await page.send_str("leave")
            said = await page.receive()
            assert (said.type, said.data, said.extra) == (WSMsgType.CLOSE, 4429, "later")
        await ended.get()
        async with http.ws_connect(relay.url) as page:
            await page.close(code=4000)
        assert await ended.get() == 4000


@pytest.mark.parametrize("losses", [{"message": 1}, {"connection": -1}, {"cut_after": 1}])
def test_a_pattern_that_loses_everything_is_refused(losses: dict[str, int]) -> None:
    """By name, value and what is allowed."""
    [name] = losses
    with pytest.raises(ValueError, match=f"{name}: got -?1, allowed: 0, or 2 and more"):
        Losses(**losses)
