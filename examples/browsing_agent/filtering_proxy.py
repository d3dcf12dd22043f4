"""The only way out of the browser: a proxy on the loopback interface that looks every name up itself.

Rules inside the browser can be walked around: a name may resolve to another address the second time (DNS rebinding), a
redirect, a WebSocket or a frame may lead elsewhere. The browser has no name lookup of its own here. The proxy resolves,
judges the addresses, and connects to the very address that it judged. It runs in a thread with a loop of its own, so
the bytes of pages do not pass through the loop that carries calls.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from examples.browsing_agent.safe_network import is_allowed, is_public, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from examples.browsing_agent.safe_network import AllowedHosts

    Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

REFUSED_HEADER = "X-Refused-Address"
HEAD_LIMIT_BYTES = 65_536
HEAD_LIMIT_S = 10.0
RESOLVE_LIMIT_S = 5.0
CONNECT_LIMIT_S = 10.0
IDLE_LIMIT_S = 120.0
MAX_CONNECTIONS = 256
MAX_REMEMBERED = 64
CHUNK_BYTES = 65_536
_HOP_HEADERS = {b"connection", b"proxy-connection", b"keep-alive", b"proxy-authorization", b"upgrade"}


class _Refused(Exception):
    """The words for it; the status that the browser is given."""

    def __init__(self, words: str, status: int = 403) -> None:
        super().__init__(words)
        self.status = status


async def resolve(host: str, port: int) -> Sequence[str]:
    """Every address of a name, by the system. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


class FilteringProxy:
    """HTTP and CONNECT on 127.0.0.1. `allowed_hosts` may be private, everything else has to be public.

    One request a connection for plain HTTP: a server that holds its connection open is not handed the next site's
    request. `refused` and `requests` count. Memory: a few buffers of 64 kB for each of up to 256 connections.
    `resolve` is called on the proxy's own loop.
    """

    def __init__(self, allowed_hosts: AllowedHosts = (), *, resolve: Resolve = resolve) -> None:
        self._allowed = allowed_hosts
        self._resolve = resolve
        self._thread: threading.Thread | None = None
        self._stop: Callable[[], object] = lambda: None
        self._port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._why: OrderedDict[str, str] = OrderedDict()
        self.requests = 0
        self.refused = 0

    @property
    def port(self) -> int:
        if self._thread is None:
            raise RuntimeError("the proxy is not started")
        return self._port

    def why_refused(self, host: str) -> str | None:
        """The words, if this host was refused of late."""
        return self._why.get(host.strip("[]").lower())

    def forget(self, host: str) -> None:
        """A new attempt tells its own reason."""
        self._why.pop(host.strip("[]").lower(), None)

    async def __aenter__(self) -> Self:
        ready = asyncio.get_running_loop().create_future()
        told = asyncio.get_running_loop().call_soon_threadsafe
        self._thread = threading.Thread(target=self._run, args=(ready, told), name="browser's proxy", daemon=True)
        self._thread.start()
        self._port = await ready
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends every connection. Twice is allowed."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stop()
        await asyncio.to_thread(thread.join)

    def _run(self, ready: asyncio.Future[int], told: Callable[..., object]) -> None:
        asyncio.run(self._accept_all(ready, told))

    async def _accept_all(self, ready: asyncio.Future[int], told: Callable[..., object]) -> None:
        stopped, loop = asyncio.Event(), asyncio.get_running_loop()
        self._stop = lambda: loop.call_soon_threadsafe(stopped.set)
        try:
            server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=HEAD_LIMIT_BYTES)
        except OSError as error:
            told(ready.set_exception, error)
            return
        told(ready.set_result, int(server.sockets[0].getsockname()[1]))
        await stopped.wait()
        server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._tasks) >= MAX_CONNECTIONS:
            writer.close()
            return
        task = asyncio.create_task(self._serve(reader, writer), name="a connection of the browser")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(HEAD_LIMIT_S):
                head = await reader.readuntil(b"\r\n\r\n")
            self.requests += 1
            await self._answer(head, reader, writer)
        except _Refused as refused:
            await _tell(writer, refused.status, str(refused))
        except (TimeoutError, OSError, EOFError, asyncio.LimitOverrunError, ValueError):
            pass  # either side went away, or wrote what is no HTTP: the browser tells its page
        finally:
            with contextlib.suppress(OSError):
                writer.close()

    async def _answer(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line, *headers = head[:-4].split(b"\r\n")
        method, target, _ = line.decode("latin-1").split(" ", 2)
        tunnel = method == "CONNECT"
        parts = urlsplit(f"//{target}" if tunnel else target)
        if not parts.hostname or (not tunnel and parts.scheme != "http"):
            raise _Refused("no absolute http URL", 400)
        port = parts.port or (443 if tunnel else 80)
        their_reader, their_writer = await self._connect(parts.hostname, port)
        try:
            if tunnel:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                link = _Link()
                await link.first_end(link.copy(reader, their_writer), link.copy(their_reader, writer))
                return
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            first = f"{method} {path} HTTP/1.1".encode("latin-1")
            their_writer.write(b"\r\n".join([first, *_without_hops(headers), b"Connection: close", b"", b""]))
            link = _Link()
            await link.copy(reader, their_writer, _body_bytes(headers))
            await link.first_end(link.answer(their_reader, writer))
        finally:
            with contextlib.suppress(OSError):
                their_writer.close()

    async def _connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            async with asyncio.timeout(RESOLVE_LIMIT_S):
                addresses = await self._resolve(host, port)
        except (OSError, UnicodeError, TimeoutError):
            raise _Refused(f"no address for {host}", 502) from None
        if not is_allowed(host, port, self._allowed):
            inside = [address for address in addresses if not is_public(address)]
            if inside:  # one of them is enough: a name that is both is an attempt
                raise self._refuse(host, inside)
        error: OSError | TimeoutError | None = None
        for address in addresses[:4]:
            try:
                async with asyncio.timeout(CONNECT_LIMIT_S):
                    return await asyncio.open_connection(address, port, limit=HEAD_LIMIT_BYTES)
            except (OSError, TimeoutError) as failed:
                error = failed
        raise _Refused(f"no connection to {host}:{port} ({error})", 502)

    def _refuse(self, host: str, addresses: Sequence[str]) -> _Refused:
        self.refused += 1
        words = refusal(host, addresses)
        self._why[host.lower()] = words
        while len(self._why) > MAX_REMEMBERED:
            self._why.popitem(last=False)
        return _Refused(words)


def _body_bytes(headers: Sequence[bytes]) -> int:
    for each in headers:
        name, _, value = each.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
        if name.strip().lower() == b"transfer-encoding":
            raise _Refused("a request body of unknown length", 411)
    return 0


async def _tell(writer: asyncio.StreamWriter, status: int, words: str) -> None:
    body = words.encode()
    head = (
        f"HTTP/1.1 {status} Refused\r\n{REFUSED_HEADER}: {status}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    with contextlib.suppress(OSError):
        writer.write(head.encode() + body)
        async with asyncio.timeout(HEAD_LIMIT_S):
            await writer.drain()


class _Link:
    """Bytes between the browser and a server, until one of them ends or nothing moves any more."""

    def __init__(self) -> None:
        self._moved = 0

    async def copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None = None) -> None:
        """To the end of the stream, or `limit` bytes."""
        while limit is None or limit > 0:
            chunk = await reader.read(CHUNK_BYTES if limit is None else min(limit, CHUNK_BYTES))
            if not chunk:
                return
            limit = None if limit is None else limit - len(chunk)
            self._moved += 1
            writer.write(chunk)
            await writer.drain()

    async def first_end(self, *copies: Coroutine[None, None, None]) -> None:
        """Ends all of them with the first one, or after `IDLE_LIMIT_S` without a byte."""
        tasks = {asyncio.create_task(each, name="bytes of a page") for each in copies}
        try:
            moved, done = -1, set[asyncio.Task[None]]()
            while not done and moved != self._moved:
                moved = self._moved
                done, _ = await asyncio.wait(tasks, timeout=IDLE_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A server's answer, after which the browser sends no other request on this connection."""
        status, headers = b"HTTP/1.1 100", list[bytes]()
        while status[8:10] == b" 1":
            head = await reader.readuntil(b"\r\n\r\n")
            status, *headers = head[:-4].split(b"\r\n")
        if not status.startswith(b"HTTP/1."):
            raise ValueError("no answer of HTTP")
        writer.write(b"\r\n".join([status, *_without_hops(headers), b"Connection: close", b"", b""]))
        await self.copy(reader, writer)


def _without_hops(headers: Sequence[bytes]) -> list[bytes]:
    return [each for each in headers if each.partition(b":")[0].strip().lower() not in _HOP_HEADERS]
