"""A TCP relay in front of a server: it counts what reaches the server, and can shut, break off, and swallow answers."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections import Counter
from typing import Self

HOST = "127.0.0.1"
CHUNK_BYTES = 1 << 16
LONGEST_MARK_BYTES = 64


class CountingRelay:
    """`async with CountingRelay(port, rb"mark-\\d{6}") as relay:` ... `relay.port`, `relay.marks["mark-000001"]`.

    `marks` counts what matches in the bytes to the server, of a fixed length and at most 64 bytes, once for each time.
    `accepted_s` are the times of the connections, `time.monotonic()`. `target` may be changed while it runs.
    """

    def __init__(self, target: int, mark: bytes = rb"mark-\d{6}") -> None:
        self.target = target
        self.port = 0
        self.marks: Counter[str] = Counter()
        self.accepted_s: list[float] = []
        self.swallowed: set[str] = set()
        """Requests with one of these marks reach the server; where its answer would begin, the connection breaks."""
        self._mark = re.compile(mark)
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        return f"<CountingRelay {self.port} to {self.target}, {len(self._open)} open>"

    @property
    def url(self) -> str:
        return f"ws://{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def open(self) -> None:
        """Listen, on the same port each time."""
        if self._server is None:
            self._server = await asyncio.start_server(self._accept, HOST, self.port, reuse_address=True)
            self.port = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        """As a server that was killed: no connection stays, and a new one is refused."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.break_off()

    def break_off(self) -> None:
        """Reset all connections; new ones are welcome."""
        for writer in self._open:
            _reset(writer)

    async def aclose(self) -> None:
        """Ends what is under way. Any number of times."""
        self.shut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted_s.append(time.monotonic())
        ends = [writer]
        self._open.add(writer)
        try:
            if self._server is None:
                return  # it had come in before the door was shut
            server_reader, server_writer = await asyncio.open_connection(HOST, self.target)
            ends.append(server_writer)
            self._open.add(server_writer)
            asked: list[str] = []
            there = asyncio.create_task(self._there(reader, server_writer, asked))
            back = asyncio.create_task(self._back(server_reader, writer, asked))
            try:
                await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for direction in (there, back):
                    direction.cancel()
                await asyncio.gather(there, back, return_exceptions=True)
        except OSError:
            return
        finally:
            self._open.difference_update(ends)
            self._tasks.discard(task)
            for each in ends:
                _reset(each)

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: list[str]) -> None:
        rest = b""
        while data := await reader.read(CHUNK_BYTES):
            rest = self._count(rest + data, asked)
            writer.write(data)
            await writer.drain()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: list[str]) -> None:
        while data := await reader.read(CHUNK_BYTES):
            if not self.swallowed.isdisjoint(asked):
                return
            asked.clear()
            writer.write(data)
            await writer.drain()

    def _count(self, data: bytes, asked: list[str]) -> bytes:
        """Returns the end of `data`, in which a mark may have begun."""
        end = 0
        for found in self._mark.finditer(data):
            asked.append(found.group().decode())
            self.marks[asked[-1]] += 1
            end = found.end()
        return data[max(end, len(data) - LONGEST_MARK_BYTES) :]


def _reset(writer: asyncio.StreamWriter) -> None:
    """RST, as from a process that is gone: nothing lingers."""
    end: socket.socket | None = writer.get_extra_info("socket")
    if end is not None and not writer.is_closing():
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    writer.transport.abort()
