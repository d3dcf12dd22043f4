"""Simulated OpenAI Realtime: `GET /v1/realtime`, the WebSocket of a speech-to-speech model, for the unmodified plugin.

It hears with the ears of the simulated Soniox, answers with the dialogue of the simulated chat, and speaks with the
voice of the simulated ElevenLabs: one model on the wire, with waits of its own (`sim.latency.RealtimeLatency`).
Not simulated: WebRTC and SIP, images, MCP, prompts, `response.input`, G.711, noise reduction (taken, without effect).
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from aiohttp import WSCloseCode, web

from sim.faults import is_rejected
from sim.openai_request import Refusal, answering, invalid_key
from sim.realtime_socket import House, RealtimeSocket
from sim.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.dialogue import Dialogue
    from sim.ears.base import Ears
    from sim.latency import RealtimeLatency

PATH = "/v1/realtime"
MAX_MESSAGE_BYTES = 20 << 20  # 15 MiB of audio as base64
SESSION_LIMIT_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class RealtimeFaults:
    """What goes wrong. May be replaced while the simulator runs."""

    reject_every: int = 0
    """Each n-th handshake is answered with `reject_status` (0: none)."""
    reject_status: int = 429
    drop_after_deltas: int | None = None
    """Cut the connection in the middle of each response, after so many pieces of sound."""
    fail_every: int = 0
    """Each n-th response fails with `fail_code` (0: none). "insufficient_quota" is one that clients give up at."""
    fail_code: str = "server_error"
    stall_ms: float = 0.0
    """Added to the wait for a response's first sound."""
    session_limit_s: float = SESSION_LIMIT_S
    """A connection that is as old is told `session_expired`, and closed."""

    def __post_init__(self) -> None:
        for entry in fields(self):
            value = getattr(self, entry.name)
            if isinstance(value, int | float) and value < 0:
                raise ValueError(f"RealtimeFaults.{entry.name} must be >= 0, got {value}")
        if not 400 <= self.reject_status <= 599:
            raise ValueError(f"RealtimeFaults.reject_status must be between 400 and 599, got {self.reject_status}")


@dataclass
class RealtimeStats:
    """Counts since the simulator was made; `open` connections are those of now."""

    open: int = 0
    sessions: int = 0
    rejected: int = 0
    turns: int = 0
    responses: int = 0
    truncated: int = 0
    errors: int = 0
    dropped: int = 0


class RealtimeSimulator:
    """`ears` makes one listener a connection, at the first one: it may bring a neural model.

    `api_keys` None takes any key. `faults` may be set at any time.
    """

    def __init__(
        self,
        dialogue: Dialogue,
        ears: Callable[[], Callable[[], Ears]],
        latency: RealtimeLatency,
        *,
        api_keys: frozenset[str] | None = None,
        faults: RealtimeFaults | None = None,
    ) -> None:
        self.faults = faults or RealtimeFaults()
        self.stats = RealtimeStats()
        self._make_ears = ears
        self._ears: Callable[[], Ears] | None = None
        self._api_keys = api_keys
        self._house = House(dialogue, latency, Voice(), self.stats, lambda: self.faults)
        self._open: dict[web.WebSocketResponse, asyncio.Event] = {}
        self._closed = False

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, answering(self._serve))]

    async def aclose(self) -> None:
        """Close all connections and wait until they have ended. Safe to call twice."""
        self._closed = True
        await self.leave()
        await self._house.voice.aclose()

    async def leave(self) -> None:
        """Close the connections of now, as a server does that is restarted; new ones are taken."""
        for socket, ended in list(self._open.items()):
            await socket.close(code=WSCloseCode.GOING_AWAY)
            await ended.wait()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        model = self._accepted_model(request)
        socket = web.WebSocketResponse(max_msg_size=MAX_MESSAGE_BYTES)
        await socket.prepare(request)
        ended = self._open[socket] = asyncio.Event()
        self.stats.open += 1
        try:
            if self._ears is None:
                self._ears = self._make_ears()
            transport, number = request.transport, self.stats.sessions
            assert transport is not None
            await RealtimeSocket(socket, self._house, self._ears(), model, number, drop=transport.abort).run()
        except ConnectionError:
            pass  # the client is gone: there is nobody to tell
        finally:
            self.stats.open -= 1
            del self._open[socket]
            ended.set()
        return socket

    def _accepted_model(self, request: web.Request) -> str:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise Refusal(401, "You didn't provide an API key.", code=None)
        if self._api_keys is not None and key not in self._api_keys:
            raise invalid_key()
        if self._closed:
            raise Refusal(503, "The server is going away.", kind="server_error")
        self.stats.sessions += 1
        if is_rejected(self.stats.sessions, self.faults.reject_every):
            self.stats.rejected += 1
            raise Refusal(self.faults.reject_status, "Injected refusal.", kind="server_error")
        model = request.query.get("model")
        if not model:
            raise Refusal(400, "you must provide a model parameter", param="model")
        return model
