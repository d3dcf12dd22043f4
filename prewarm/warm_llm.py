"""A connection to the LLM that is open before it is needed.

A reply that was begun too early is thrown away, and over HTTP/1.1 its connection goes with it: the reply that takes its
place would wait for a handshake, two round trips to the provider. So one connection more is kept open than is in use.
HTTP/2 would lose none, but httpx2 does not tell the server of a stream that nobody reads any more: the provider would
go on writing, and be paid for it.
"""

from __future__ import annotations

import asyncio
import contextvars
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx2
from livekit.plugins import openai

from utils.logging_config import get_logger

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable

log = get_logger("prewarm")

LOOK_AFTER_S = 0.02  # a request has its connection by then, and has left
REPLIES_A_SPARE = 4  # of so many under way at once, about one is thrown away


class WarmTransport(httpx2.AsyncHTTPTransport):
    """Looks at each request's begin and end whether a connection is idle; if none is, it opens one in the background.

    `url` is what is asked for on a connection that is opened so: a GET that costs nothing, with `headers`. Without
    `spare` one is opened by `look` only.
    """

    def __init__(
        self,
        url: str,
        headers: dict[str, str],
        *,
        verify: ssl.SSLContext,
        max_connections: int,
        keepalive_s: float,
        timeout_s: float,
        spare: bool = True,
    ) -> None:
        super().__init__(
            verify=verify,
            limits=httpx2.Limits(
                max_connections=max_connections,
                max_keepalive_connections=max_connections,
                keepalive_expiry=keepalive_s,
            ),
            proxy=_proxy_of(url),
        )
        self._url = url
        self._headers = headers
        self._max_connections = max_connections
        self._timeout = httpx2.Timeout(timeout_s)
        self._spare = spare
        self._opening: asyncio.Task[None] | None = None
        self._closed = False
        self.opened = 0
        """Requests that were made to have a connection."""
        self.cold = 0
        """Requests that found no idle connection, and waited for a handshake."""

    def __repr__(self) -> str:
        return f"<WarmTransport {self.idle} idle, {self.opened} opened, {self.cold} cold requests>"

    @property
    def idle(self) -> int:
        """Connections that are open and not in use."""
        return sum(each.is_idle() and not each.has_expired() for each in self._pool.connections)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.cold += not self.idle
        if not self._spare:
            return await super().handle_async_request(request)
        asyncio.get_running_loop().call_later(LOOK_AFTER_S, self.look)
        try:
            response = await super().handle_async_request(request)
        except BaseException:
            self.look()
            raise
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _Watched(response.stream, self.look)
        return response

    def look(self) -> None:
        """Open a connection in the background if none is idle; at once, and as often as you like."""
        if self._closed or self.idle or (self._opening is not None and not self._opening.done()):
            return
        # A context of its own: the task may outlive the call that has caused it, and would hold it.
        self._opening = asyncio.create_task(self._open(), name="open a connection", context=contextvars.Context())

    async def aclose(self) -> None:
        self._closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await super().aclose()

    async def _open(self) -> None:
        in_use = len(self._pool.connections)
        count = min(1 + in_use // REPLIES_A_SPARE, self._max_connections - in_use)
        # Side by side: one after the other, they would all use the first one's connection.
        failures = await asyncio.gather(*(self._ask() for _ in range(count)), return_exceptions=True)
        for failure in failures:
            if failure is not None:
                log.debug("no connection was opened", reason=type(failure).__name__)

    async def _ask(self) -> None:
        self.opened += 1
        request = httpx2.Request(
            "GET", self._url, headers=self._headers, extensions={"timeout": self._timeout.as_dict()}
        )
        response = await super().handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()


class _Watched(httpx2.AsyncByteStream):
    """A response's body that tells when it is closed, read to its end or not."""

    def __init__(self, stream: httpx2.AsyncByteStream, on_closed: Callable[[], None]) -> None:
        self._stream = stream
        self._on_closed = on_closed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        finally:
            self._on_closed()


class PooledLLM(openai.LLM):
    """`openai.LLM` whose client keeps a connection open by itself.

    The framework prewarms the LLM of each new session; that asks `look` instead of the provider.
    """

    def __init__(self, *, look: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._look = look

    def prewarm(self, *, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._look()


def model_url(base_url: str, model: str) -> str:
    """The smallest thing that OpenAI and its like answer: what the model is."""
    return f"{base_url}/models/{quote(model, safe='')}"


def _proxy_of(url: str) -> str | None:
    """What HTTPS_PROXY and its like say of `url`; a client with a transport of its own does not read them."""
    parts = urlsplit(url)
    if proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    return proxies.get(parts.scheme) or proxies.get("all")
