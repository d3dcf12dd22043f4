"""One multi-context websocket of the simulated text to speech: several speeches at once over one connection."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from aiohttp import WSCloseCode, WSMsgType, web

from sim.elevenlabs_context import Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from sim.audio_format import AudioFormat
    from sim.elevenlabs import ElevenLabsStats
    from sim.faults import ElevenLabsFaults
    from sim.latency import TtsLatency
    from sim.voice import Voice

MAX_CONTEXTS = 5
"""Of one socket; a context counts until its `isFinal` is sent."""
CLOSE_LIMIT_S = 1.0
BUSY_CHECK_S = 0.1
REASON_LIMIT_BYTES = 123
"""Of a close frame."""
_TOO_MANY = (
    f"Maximum simultaneous contexts per WebSocket connection exceeded ({MAX_CONTEXTS})."
    " Please close an existing context before opening a new one."
)


@dataclass(frozen=True)
class SocketSettings:
    """What the client asked for in the URL. `inactivity_s`: silence from the client after which the socket closes."""

    voice_id: str
    audio_format: AudioFormat
    language: str | None
    inactivity_s: float
    auto_mode: bool
    sync_alignment: bool


class TtsSocket:
    """Serves one websocket to its end.

    `close_context` right after an empty flush (the client has said everything) lets the speech finish;
    at any other moment it is an interruption and stops the speech. Both end with `isFinal`.
    """

    def __init__(
        self,
        settings: SocketSettings,
        voice: Voice,
        latency: TtsLatency,
        stats: ElevenLabsStats,
        faults: Callable[[], ElevenLabsFaults],
        is_key: Callable[[str], bool],
    ) -> None:
        self.settings = settings
        self.voice = voice
        self.latency = latency
        self.stats = stats
        self.faults = faults
        self._is_key = is_key
        self._ws = web.WebSocketResponse(timeout=CLOSE_LIMIT_S, compress=False)
        self._transport: asyncio.Transport | None = None
        self._contexts: dict[str, Context] = {}
        self._last_activity_s = time.monotonic()
        self._faults_changed = asyncio.Event()

    def faults_changed(self) -> None:
        self._faults_changed.set()

    async def serve(self, request: web.Request, *, authorized: bool) -> web.WebSocketResponse:
        await self._ws.prepare(request)
        self._transport = request.transport
        try:
            async with asyncio.TaskGroup() as group:
                idle = group.create_task(self._close_when_idle(), name="tts socket idle")
                try:
                    await self._receive(group, authorized=authorized)
                finally:
                    idle.cancel()
                    for context in self._contexts.values():
                        context.abandon()
        finally:
            self.stats.contexts_open -= len(self._contexts)
            self._contexts.clear()
        return self._ws

    async def aclose(self) -> None:
        if self._ws.prepared:
            await self._ws.close(code=WSCloseCode.GOING_AWAY)

    async def send(self, message: dict[str, Any]) -> None:
        """A client that has gone is no error: the receiving side sees it and ends."""
        self._last_activity_s = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            await self._ws.send_str(json.dumps(message))

    def drop(self) -> None:
        """Cuts the connection as a network would."""
        self.stats.dropped += 1
        if self._transport is not None:
            self._transport.abort()

    async def _receive(self, group: asyncio.TaskGroup, *, authorized: bool) -> None:
        async for message in self._ws:
            self._last_activity_s = time.monotonic()
            if message.type != WSMsgType.TEXT:
                await self._refuse("invalid_message", "Messages must be JSON text frames")
                return
            try:
                body = json.loads(message.data)
            except ValueError:
                body = None
            if not isinstance(body, dict):
                await self._refuse("invalid_message", "Message is not a JSON object")
                return
            values = cast("dict[str, Any]", body)
            # The key may also come in the first message, so a wrong header is refused no earlier than this.
            authorized = authorized or self._is_key(str(values.get("xi_api_key") or ""))
            if not authorized:
                await self._refuse("invalid_api_key", "Invalid API key")
                return
            if values.get("close_socket"):
                await self._finish_all()
                return
            if not await self._take(values, group):
                return

    async def _take(self, values: dict[str, Any], group: asyncio.TaskGroup) -> bool:
        """One client message; False if it ends the socket."""
        context_id = str(values.get("context_id") or "default")
        context = self._contexts.get(context_id)
        if values.get("close_context"):
            if context is not None:
                context.close()
            return True
        if context is None:
            if len(self._contexts) >= MAX_CONTEXTS:
                await self._refuse("max_active_conversations", _TOO_MANY)
                return False
            context = self._open(context_id, group)
        context.take(str(values.get("text") or ""), flush=bool(values.get("flush")))
        return True

    def _open(self, context_id: str, group: asyncio.TaskGroup) -> Context:
        context = Context(context_id, self)
        self._contexts[context_id] = context
        self.stats.contexts += 1
        self.stats.contexts_open += 1
        group.create_task(self._run(context), name=f"tts context {context_id}")
        return context

    async def _run(self, context: Context) -> None:
        try:
            await context.run()
            if self._contexts.pop(context.context_id, None) is not None:
                self.stats.contexts_open -= 1
            await self.send({"isFinal": True, "contextId": context.context_id})
        finally:
            context.ended.set()

    async def _finish_all(self) -> None:
        contexts = list(self._contexts.values())
        for context in contexts:
            context.finish()
        await asyncio.gather(*(context.ended.wait() for context in contexts))
        await self._ws.close()

    async def _close_when_idle(self) -> None:
        while True:
            faulty_s = self.faults().idle_close_s
            limit_s = self.settings.inactivity_s if faulty_s is None else faulty_s
            left_s = self._last_activity_s + limit_s - time.monotonic()
            if left_s <= 0 and not any(context.is_busy for context in self._contexts.values()):
                break
            self._faults_changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._faults_changed.wait(), max(left_s, BUSY_CHECK_S))
        if faulty_s is not None:
            await self._ws.close(code=WSCloseCode.OK)
            return
        await self._refuse("input_timeout_exceeded", f"No input for {limit_s:g} seconds")

    async def _refuse(self, code: str, message: str) -> None:
        self.stats.rejected += 1
        await self.send({"message": message, "error": code, "code": WSCloseCode.POLICY_VIOLATION.value})
        await self._ws.close(code=WSCloseCode.POLICY_VIOLATION, message=message.encode()[:REASON_LIMIT_BYTES])
