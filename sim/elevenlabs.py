"""A local stand-in for ElevenLabs' text to speech, as its clients see it on the wire."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from sim.audio_format import DEFAULT_FORMAT, AudioFormat, parse_format
from sim.elevenlabs_socket import SocketSettings, TtsSocket
from sim.espeak import VoiceUnavailableError
from sim.faults import ElevenLabsFaults, is_rejected
from sim.spoken import Chunk, Timing, deliver, speak
from sim.voice import Voice

if TYPE_CHECKING:
    from sim.latency import TtsLatency

VOICES = (("hpp4J3VqNfWAUOO0d1Us", "Ada"), ("EXAVITQu4vr4xnSDxMaL", "Grace"), ("JBFqnCBsd6RMkjVDRZzb", "Alan"))
DEFAULT_INACTIVITY_S = 20
MAX_INACTIVITY_S = 180


@dataclass
class ElevenLabsStats:
    """`requests` counts HTTP requests; `cancelled`: speech that was stopped before its end."""

    requests: int = 0
    handshakes: int = 0
    sockets_open: int = 0
    contexts_open: int = 0
    contexts: int = 0
    generations: int = 0
    completed: int = 0
    cancelled: int = 0
    rejected: int = 0
    dropped: int = 0
    characters: int = 0


class ElevenLabsSimulator:
    """Speech over HTTP (`/stream` and whole) and over the multi-context websocket; `GET /v1/voices`.

    Any voice id is accepted and always sounds the same. `api_keys` None: any key. Needs a runner with
    `handler_cancellation=True`, or a client that leaves is noticed only at the next write.
    """

    def __init__(
        self,
        latency: TtsLatency,
        *,
        voice: Voice | None = None,
        api_keys: frozenset[str] | None = None,
        faults: ElevenLabsFaults | None = None,
    ) -> None:
        self.stats = ElevenLabsStats()
        self._faults = faults or ElevenLabsFaults()
        self._latency = latency
        self._voice = voice or Voice()
        self._api_keys = api_keys
        self._sockets: set[TtsSocket] = set()

    @property
    def faults(self) -> ElevenLabsFaults:
        return self._faults

    @faults.setter
    def faults(self, faults: ElevenLabsFaults) -> None:
        self._faults = faults
        for socket in self._sockets:
            socket.faults_changed()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/v1/voices", self._list_voices),
            web.post("/v1/text-to-speech/{voice_id}", self._whole),
            web.post("/v1/text-to-speech/{voice_id}/stream", self._stream),
            web.get("/v1/text-to-speech/{voice_id}/multi-stream-input", self._multi_stream),
        ]

    async def aclose(self) -> None:
        """Closes open websockets and ends the voice. Any number of times."""
        await asyncio.gather(*(socket.aclose() for socket in list(self._sockets)))
        await self._voice.aclose()

    async def _list_voices(self, request: web.Request) -> web.Response:
        if not self._is_authorized(request):
            return _invalid_key()
        voices = [{"voice_id": voice_id, "name": name, "category": "premade"} for voice_id, name in VOICES]
        return web.json_response({"voices": voices})

    async def _whole(self, request: web.Request) -> web.StreamResponse:
        return await self._over_http(request, streamed=False)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        return await self._over_http(request, streamed=True)

    async def _over_http(self, request: web.Request, *, streamed: bool) -> web.StreamResponse:
        self.stats.requests += 1
        accepted = await self._accepted(request)
        if isinstance(accepted, web.Response):
            self.stats.rejected += 1
            return accepted
        text, language, audio_format = accepted
        timing = Timing.draw(self._latency, stall_ms=self.faults.stall_ms)
        self.stats.generations += 1
        self.stats.characters += len(text)
        try:
            spoken = await speak(
                self._voice,
                text,
                audio_format=audio_format,
                voice_id=request.match_info["voice_id"],
                language=language,
                leading_silence_ms=timing.leading_silence_ms,
            )
            response = web.StreamResponse(headers={"Content-Type": audio_format.content_type})
            pieces: list[bytes] = []
            sent = 0

            async def send(chunk: Chunk) -> None:
                nonlocal sent
                if sent == self.faults.drop_after_chunks:
                    raise _DroppedError
                sent += 1
                if not streamed:
                    pieces.append(chunk.audio)
                    return
                if not response.prepared:
                    await response.prepare(request)
                await response.write(chunk.audio)

            await deliver(spoken, timing, send)
            if not response.prepared:
                await response.prepare(request)
            await response.write_eof(b"".join(pieces))
        except _DroppedError:
            self.stats.dropped += 1
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        except VoiceUnavailableError as error:
            return _error(500, "voice_unavailable", str(error))
        except (asyncio.CancelledError, ConnectionResetError):
            self.stats.cancelled += 1
            raise
        self.stats.completed += 1
        return response

    async def _accepted(self, request: web.Request) -> tuple[str, str | None, AudioFormat] | web.Response:
        """Text, language code and format of a speech request, or the response that refuses it."""
        if not self._is_authorized(request):
            return _invalid_key()
        if is_rejected(self.stats.requests + self.stats.handshakes, self.faults.reject_every):
            return self._rejection()
        try:
            audio_format = parse_format(request.query.get("output_format", DEFAULT_FORMAT))
            body = await request.json()
        except ValueError as error:
            return _error(400, "invalid_request", str(error))
        values = cast("dict[str, Any]", body) if isinstance(body, dict) else {}
        text, language = values.get("text"), values.get("language_code")
        if not isinstance(text, str) or not text.strip():
            detail = [{"type": "missing", "loc": ["body", "text"], "msg": "Field required"}]
            return web.json_response({"detail": detail}, status=422)
        return text, language if isinstance(language, str) else None, audio_format

    async def _multi_stream(self, request: web.Request) -> web.StreamResponse:
        self.stats.handshakes += 1
        if is_rejected(self.stats.requests + self.stats.handshakes, self.faults.reject_every):
            self.stats.rejected += 1
            return self._rejection()
        try:
            audio_format = parse_format(request.query.get("output_format", DEFAULT_FORMAT))
            inactivity_s = min(float(request.query.get("inactivity_timeout", DEFAULT_INACTIVITY_S)), MAX_INACTIVITY_S)
        except ValueError as error:
            self.stats.rejected += 1
            return _error(400, "invalid_request", str(error))
        settings = SocketSettings(
            voice_id=request.match_info["voice_id"],
            audio_format=audio_format,
            language=request.query.get("language_code"),
            inactivity_s=inactivity_s,
            auto_mode=request.query.get("auto_mode") == "true",
            sync_alignment=request.query.get("sync_alignment") == "true",
        )
        socket = TtsSocket(settings, self._voice, self._latency, self.stats, lambda: self._faults, self._is_key)
        self._sockets.add(socket)
        self.stats.sockets_open += 1
        try:
            return await socket.serve(request, authorized=self._is_authorized(request))
        finally:
            self._sockets.discard(socket)
            self.stats.sockets_open -= 1

    def _rejection(self) -> web.Response:
        status = self.faults.reject_status
        if status == 401:
            return _invalid_key()
        if status == 429:
            headers = {"Retry-After": f"{self.faults.retry_after_s:g}"}
            return _error(429, "too_many_concurrent_requests", "Too many concurrent requests.", headers=headers)
        return _error(status, "internal_error", "An internal error occurred.")

    def _is_authorized(self, request: web.Request) -> bool:
        return self._is_key(request.headers.get("xi-api-key", ""))

    def _is_key(self, key: str) -> bool:
        return bool(key) if self._api_keys is None else key in self._api_keys


class _DroppedError(Exception):
    """A fault cut this response."""


def _invalid_key() -> web.Response:
    return _error(401, "invalid_api_key", "Invalid API key")


def _error(status: int, code: str, message: str, *, headers: dict[str, str] | None = None) -> web.Response:
    """ElevenLabs' error shape."""
    return web.json_response({"detail": {"status": code, "message": message}}, status=status, headers=headers)
