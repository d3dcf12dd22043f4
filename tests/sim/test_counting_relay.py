"""The relay before a server: what it counts is what arrived, and what it does to a connection is seen at both ends."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from sim.counting_relay import HOST, CountingRelay

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture
async def echo() -> AsyncIterator[int]:
    """The port of a server that sends back each line."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(line)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(answer, HOST, 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


async def test_what_passes_is_whole_and_counted_once_however_it_is_cut(echo: int) -> None:
    """A mark that comes byte by byte, and two in one piece."""
    async with CountingRelay(echo) as relay:
        reader, writer = await asyncio.open_connection(HOST, relay.port)
        for byte in b"a mark-000001 b\n":
            writer.write(bytes([byte]))
            await writer.drain()
        assert await reader.readline() == b"a mark-000001 b\n"
        writer.write(b"mark-000002mark-000003 mark-000002\n")
        await reader.readline()
        assert relay.marks == {"mark-000001": 1, "mark-000002": 2, "mark-000003": 1}
        writer.close()


async def test_a_shut_relay_resets_and_refuses_until_it_is_opened(echo: int) -> None:
    """On the same port."""
    async with CountingRelay(echo) as relay:
        reader, writer = await asyncio.open_connection(HOST, relay.port)
        writer.write(b"one\n")
        await reader.readline()
        relay.shut()
        with pytest.raises(ConnectionResetError):
            await reader.readline()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(HOST, relay.port)
        await relay.open()
        reader, writer = await asyncio.open_connection(HOST, relay.port)
        writer.write(b"two\n")
        assert await reader.readline() == b"two\n"
        assert len(relay.accepted_s) == 2
        writer.close()


async def test_an_answer_that_is_swallowed(echo: int) -> None:
    """The server has the request, the caller a broken connection; other marks pass."""
    async with CountingRelay(echo) as relay:
        relay.swallowed.add("mark-000005")
        reader, writer = await asyncio.open_connection(HOST, relay.port)
        writer.write(b"mark-000004\n")
        assert await reader.readline() == b"mark-000004\n"
        writer.write(b"mark-000005\n")
        with pytest.raises(ConnectionResetError):
            await reader.readline()
        assert relay.marks["mark-000005"] == 1


async def test_a_target_that_is_away_is_a_broken_connection(echo: int) -> None:
    """And nothing is counted."""
    async with CountingRelay(echo) as relay:
        relay.target = 1
        reader, writer = await asyncio.open_connection(HOST, relay.port)
        writer.write(b"mark-000006\n")
        with pytest.raises(ConnectionError):
            await reader.readexactly(1)
        assert not relay.marks
