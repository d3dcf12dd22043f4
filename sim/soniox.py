"""Simulated Soniox: the real-time websocket protocol, for the unmodified plugin."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import WSCloseCode, web

from .soniox_config import Refused, parse_config
from .soniox_stream import SonioxStream

if TYPE_CHECKING:
    from collections.abc import Callable

    from .ears.base import Ears
    from .latency import SonioxLatency

PATH = "/transcribe-websocket"
START_WITHIN_S = 10.0


@dataclass(frozen=True, kw_only=True)
class SonioxFaults:
    """What goes wrong. May be replaced while the simulator runs; counts for streams that open afterwards."""

    reject_every: int = 0
    """Each n-th stream is refused with `error_code` (1: all of them, 0: none)."""
    error_code: int = 429
    drop_after_s: float | None = None
    """Cut the connection without a word this long after it was opened."""
    mute_after_s: float | None = None
    """Stay connected and keep taking audio, but send nothing more after this."""

    def __post_init__(self) -> None:
        if self.reject_every < 0:
            raise ValueError(f"SonioxFaults.reject_every must be >= 0, got {self.reject_every}")
        if not 400 <= self.error_code <= 599:
            raise ValueError(f"SonioxFaults.error_code must be between 400 and 599, got {self.error_code}")
        for name in ("drop_after_s", "mute_after_s"):
            value: float | None = getattr(self, name)
            if value is not None and value < 0:
                raise ValueError(f"SonioxFaults.{name} must be >= 0 or None, got {value}")


@dataclass
class SonioxStats:
    """Counts since the simulator was made; `open_streams` is now."""

    open_streams: int = 0
    streams: int = 0
    refused: int = 0
    finalizes: int = 0
    endpoints: int = 0
    responses: int = 0
    audio_ms: float = 0.0


_ERROR_TEXT = {
    401: ("unauthenticated", "Incorrect API key provided."),
    402: ("payment_required", "Organization balance exhausted."),
    429: ("rate_limit_exceeded", "Rate limit for your organization has been exceeded."),
    503: ("unavailable", "Cannot continue request (code 1). Please restart the request."),
}


class SonioxSimulator:
    """Serves `/transcribe-websocket`. `ears` makes one listener a stream.

    `api_keys` None takes any key. `faults` may be set at any time.
    """

    def __init__(
        self,
        ears: Callable[[], Ears],
        latency: SonioxLatency,
        *,
        api_keys: frozenset[str] | None = None,
        faults: SonioxFaults | None = None,
    ) -> None:
        self.faults = faults or SonioxFaults()
        self.stats = SonioxStats()
        self._ears = ears
        self._latency = latency
        self._api_keys = api_keys
        self._open: dict[web.WebSocketResponse, asyncio.Event] = {}
        self._closed = False

    def routes(self) -> list[web.RouteDef]:
        """What to add to an aiohttp application's router."""
        return [web.get(PATH, self._serve)]

    async def aclose(self) -> None:
        """Close all streams and wait until they have ended. Safe to call twice."""
        self._closed = True
        for socket, ended in list(self._open.items()):
            await socket.close(code=WSCloseCode.GOING_AWAY)
            await ended.wait()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if self._closed:
            raise web.HTTPServiceUnavailable
        # The service does not echo the client's pings as messages; aiohttp answers them itself.
        socket = web.WebSocketResponse(max_msg_size=1 << 20)
        await socket.prepare(request)
        ended = self._open[socket] = asyncio.Event()
        self.stats.streams += 1
        self.stats.open_streams += 1
        try:
            await self._run(request, socket)
        except Refused as refusal:
            self.stats.refused += 1
            await self._refuse(socket, refusal)
        except ConnectionError:
            pass  # The client is gone: there is nobody to tell.
        finally:
            self.stats.open_streams -= 1
            del self._open[socket]
            ended.set()
        return socket

    async def _refuse(self, socket: web.WebSocketResponse, refusal: Refused) -> None:
        try:
            await socket.send_json(refusal.body())
            await socket.close()
        except ConnectionError:
            pass  # The client left before it was told.

    async def _run(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        number, faults = self.stats.streams, self.faults
        try:
            first = await socket.receive(timeout=START_WITHIN_S)
        except TimeoutError:
            raise Refused(408, "request_timeout", "Start request timed out.") from None
        if first.type is web.WSMsgType.BINARY:
            raise Refused(400, "invalid_request", "Start request must be a JSON text message.")
        if first.type is not web.WSMsgType.TEXT:
            return
        config = parse_config(first.data, _bearer(request), self._api_keys)
        if faults.reject_every and number % faults.reject_every == 0:
            kind, text = _ERROR_TEXT.get(faults.error_code, ("error", "Injected error."))
            raise Refused(faults.error_code, kind, text)
        stream = SonioxStream(
            socket, config, self._ears(), self._latency, number, self.stats, mute_after_s=faults.mute_after_s
        )
        cut = None
        if faults.drop_after_s is not None and request.transport is not None:
            cut = asyncio.get_running_loop().call_later(faults.drop_after_s, request.transport.abort)
        try:
            await stream.run()
        finally:
            if cut is not None:
                cut.cancel()


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
