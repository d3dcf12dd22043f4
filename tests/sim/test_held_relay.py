"""The wire that can be pulled: nothing is lost and nobody is told; what waits comes later."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sim.held_relay import HOST, HeldRelay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SOON_S = 0.3
"""In which an answer would have come many times."""


@pytest_asyncio.fixture
async def echo() -> AsyncIterator[int]:
    """The port of a server that sends back each line, and closes after "bye"."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(line)
                if line == b"bye\n":
                    break
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_what_is_said_while_it_is_pulled_comes_later(echo: int) -> None:
    """On the same connection, whole and in order."""
    async with HeldRelay(echo) as relay:
        reader, writer = await asyncio.open_connection(HOST, relay.port)
        writer.write(b"one\n")
        assert await reader.readline() == b"one\n"
        relay.pull()
        assert "pulled" in repr(relay)
        writer.write(b"two\n")
        answer = asyncio.create_task(reader.readline())
        done, _ = await asyncio.wait([answer], timeout=SOON_S)
        assert not done
        writer.write(b"three\n")
        relay.plug_in()
        assert await answer == b"two\n"
        assert await reader.readline() == b"three\n"
        writer.close()


async def test_a_new_connection_has_no_answer_while_it_is_pulled(echo: int) -> None:
    """And has one afterwards."""
    async with HeldRelay(echo) as relay:
        relay.pull()
        reader, writer = await asyncio.open_connection(HOST, relay.port)
        writer.write(b"one\n")
        answer = asyncio.create_task(reader.readline())
        done, _ = await asyncio.wait([answer], timeout=SOON_S)
        assert not done
        relay.plug_in()
        assert await answer == b"one\n"
        writer.close()


async def test_an_end_is_passed_on(echo: int) -> None:
    """After what was said before it."""
    async with HeldRelay(echo) as relay:
        reader, writer = await asyncio.open_connection(HOST, relay.port)
        writer.write(b"bye\n")
        assert await reader.readline() == b"bye\n"
        with pytest.raises(ConnectionError):
            await _until_closed(reader)
        writer.close()


async def test_a_server_that_is_not_there(unused_tcp_port: int) -> None:
    """The caller's connection is closed; the relay goes on."""
    async with HeldRelay(unused_tcp_port) as relay:
        for _ in range(2):
            reader, writer = await asyncio.open_connection(HOST, relay.port)
            with pytest.raises(ConnectionError):
                await _until_closed(reader)
            writer.close()


async def _until_closed(reader: asyncio.StreamReader) -> None:
    """Raises ConnectionError, also for an orderly end."""
    if not await reader.read(1):
        raise ConnectionError("closed")
