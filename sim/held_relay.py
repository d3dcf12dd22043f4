"""A TCP relay whose wire can be pulled: while it is, nothing comes through and nobody is told; what waits comes later.

As on a network that is gone for a while: no connection is closed, the sender's bytes are sent again when it is back. A
connection that is opened meanwhile gets no answer.

    async with HeldRelay(livekit.ports.http) as relay:
        relay.pull()
        ...
        relay.plug_in()

`sim.lossy_link` does the same for UDP, with `Conditions(loss=1)`.
"""

from __future__ import annotations

import asyncio
from typing import Self

HOST = "127.0.0.1"
CHUNK_BYTES = 1 << 16


class HeldRelay:
    """From `port`, a free one, to `target` on this machine."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self._passing = asyncio.Event()
        self._passing.set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def __repr__(self) -> str:
        state = "plugged in" if self._passing.is_set() else "pulled"
        return f"<HeldRelay {self.port} to {self.target}, {state}, {len(self._tasks)} connections>"

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def pull(self) -> None:
        self._passing.clear()

    def plug_in(self) -> None:
        self._passing.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        ends = [writer]
        try:
            await self._passing.wait()
            there, far = await asyncio.open_connection(HOST, self.target)
            ends.append(far)
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._carry(reader, far))
                ways.create_task(self._carry(there, writer))
        except* OSError:
            pass  # one of the ends is gone: so is the other one
        finally:
            self._tasks.discard(task)
            for end in ends:
                end.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one side has said all: what is under way is then over for both."""
        while data := await reader.read(CHUNK_BYTES):
            await self._passing.wait()
            writer.write(data)
            await writer.drain()
        await self._passing.wait()
        raise ConnectionResetError("the other end has closed")
