"""One stream of the simulated recogniser: audio in, tokens out, on the audio's clock and the wall's."""

from __future__ import annotations

import asyncio
import json
import math
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

from aiohttp import web

from .ears.base import EARS_RATE_HZ, Ears, Samples
from .soniox_audio import PcmDecoder, slices
from .soniox_config import Refused, StreamConfig
from .soniox_tokens import Token, TokenStream

if TYPE_CHECKING:
    from .latency import SonioxLatency

IDLE_S = 20.0
"""Without audio or keepalive for so long the service ends the stream."""
RESPONSE_EVERY_S = 0.06
PROGRESS_EVERY_MS = 500
# The service warns of "too frequent" finalizing without a figure; assumed.
FINALIZES, FINALIZES_WITHIN_S = 20, 10.0


class Counts(Protocol):
    """What a stream adds to."""

    finalizes: int
    endpoints: int
    responses: int
    audio_ms: float


@dataclass(frozen=True, slots=True)
class _Closing:
    """A decision to make everything before `until_ms` final, due at a time of the loop's clock."""

    until_ms: float
    due_s: float
    mark: str
    """`<end>`, `<fin>`, or "" for the end of the stream."""


class SonioxStream:
    """Reads a client's messages and answers them until one of the two ends the stream.

    A word that ended at audio time t is shown once t was received and the interim lag has passed. The endpoint
    waits in audio time (silence that was received), its final tokens then in wall time.
    """

    def __init__(
        self,
        socket: web.WebSocketResponse,
        config: StreamConfig,
        ears: Ears,
        latency: SonioxLatency,
        number: int,
        counts: Counts,
        *,
        mute_after_s: float | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket = socket
        self._config = config
        self._ears = ears
        self._latency = latency
        self._counts = counts
        self._decode = PcmDecoder(config.sample_rate_hz)
        self._tokens = TokenStream(latency, number)
        self._closings: deque[_Closing] = deque()  # Worked off in order, whatever latency was drawn.
        self._closed_ms = 0.0
        self._final_ms = 0.0
        self._proc_ms = 0.0
        self._wait_ms = self._draw_wait_ms()
        self._wake = asyncio.Event()
        self._sent: list[Token] = []
        self._sent_s = -math.inf
        self._sent_at_ms = 0.0
        self._mute_from_s = math.inf if mute_after_s is None else self._loop.time() + mute_after_s
        self._finalized_s: deque[float] = deque(maxlen=FINALIZES)

    async def run(self) -> None:
        """Serve until the client leaves, the stream is finished, or it is refused (raises Refused)."""
        writer = self._loop.create_task(self._write(), name="soniox-writer")
        reader = self._loop.create_task(self._read(), name="soniox-reader")
        try:
            await asyncio.wait([reader, writer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            reader.cancel()
            writer.cancel()
            results = await asyncio.gather(reader, writer, return_exceptions=True)
            await self._ears.aclose()
        for result in results:
            if isinstance(result, Exception):
                raise result

    # Reading

    async def _read(self) -> None:
        while True:
            try:
                message = await self._socket.receive(timeout=IDLE_S)
            except TimeoutError:
                raise Refused(408, "request_timeout", "No audio or keepalive received in time.") from None
            if message.type is web.WSMsgType.BINARY and message.data:
                for block in slices(self._decode(message.data)):
                    self._hear(block)
            elif message.type in (web.WSMsgType.BINARY, web.WSMsgType.TEXT) and not message.data:
                self._close_later(self._ears.activity.heard_ms, "")
            elif message.type is web.WSMsgType.TEXT:
                self._control(message.data)
            else:
                return

    def _control(self, text: str) -> None:
        try:
            message: Any = json.loads(text)
        except ValueError:
            message = None
        kind = cast("dict[str, Any]", message).get("type") if isinstance(message, dict) else None
        if kind == "finalize":
            self._counts.finalizes += 1
            now_s = self._loop.time()
            if len(self._finalized_s) == FINALIZES and now_s - self._finalized_s[0] < FINALIZES_WITHIN_S:
                raise Refused(429, "rate_limit_exceeded", "Finalize requested too often.")
            self._finalized_s.append(now_s)
            self._close_later(self._ears.activity.heard_ms, "<fin>")
        elif kind != "keepalive":
            raise Refused(400, "invalid_request", "Control request must be a keepalive or a finalize.")

    def _hear(self, pcm: Samples) -> None:
        self._ears.feed(pcm)
        activity = self._ears.activity
        self._counts.audio_ms += len(pcm) * 1000 / EARS_RATE_HZ
        last_ms = activity.last_sound_ms
        unclosed = last_ms is not None and last_ms > self._closed_ms
        silence_ms = activity.heard_ms - (last_ms or 0.0)
        if unclosed and self._config.endpointing and silence_ms >= self._wait_ms:
            self._close_later(activity.heard_ms, "<end>")
            self._wait_ms = self._draw_wait_ms()
        if unclosed or self._sent or activity.heard_ms - self._sent_at_ms >= PROGRESS_EVERY_MS:
            self._wake.set()

    def _close_later(self, until_ms: float, mark: str) -> None:
        due_s = self._loop.time() + self._latency.final.draw_ms() / 1000
        self._closings.append(_Closing(until_ms, due_s, mark))
        self._closed_ms = until_ms
        self._wake.set()

    def _draw_wait_ms(self) -> float:
        return self._config.endpoint_wait_ms(self._latency.endpoint_wait.draw_ms())

    # Writing

    async def _write(self) -> None:
        while True:
            self._wake.clear()
            now_s = self._loop.time()
            if self._closings and self._closings[0].due_s <= now_s:
                if await self._close(self._closings.popleft()):
                    return
                continue
            next_s = await self._show(now_s)
            if self._closings:
                next_s = min(next_s, self._closings[0].due_s)
            try:
                async with asyncio.timeout_at(None if next_s == math.inf else next_s):
                    await self._wake.wait()
            except TimeoutError:
                pass  # Something is due.

    async def _show(self, now_s: float) -> float:
        """Send the non-final tokens if they changed or progress is due; return when to look again."""
        heard_ms = self._ears.activity.heard_ms
        tokens, next_s = self._tokens.interims(self._ears.words(), heard_ms, now_s)
        due = tokens != self._sent or heard_ms - self._sent_at_ms >= PROGRESS_EVERY_MS
        if due and now_s < self._sent_s + RESPONSE_EVERY_S:
            return min(next_s or math.inf, self._sent_s + RESPONSE_EVERY_S)
        if due:
            await self._respond([], tokens)
        return next_s or math.inf

    async def _close(self, closing: _Closing) -> bool:
        """Send the final tokens of a segment; True when the stream is finished."""
        words = await self._ears.settled(closing.until_ms)
        finals = self._tokens.commit(words, closing.until_ms)
        self._final_ms = max(self._final_ms, closing.until_ms)
        self._proc_ms = max(self._proc_ms, closing.until_ms)
        if closing.mark == "<fin>" or (closing.mark and self._tokens.told_since_mark):
            self._counts.endpoints += closing.mark == "<end>"
            finals.append(self._tokens.mark(closing.mark))
        heard_ms = self._ears.activity.heard_ms
        interims, _ = self._tokens.interims(self._ears.words(), heard_ms, self._loop.time())
        if finals:
            await self._respond(finals, interims)
        self._ears.forget(closing.until_ms - 1000)
        if closing.mark:
            return False
        await self._send({"tokens": [], "finished": True} | self._progress())
        await self._socket.close()
        return True

    async def _respond(self, finals: list[Token], interims: list[Token]) -> None:
        self._sent, self._sent_s = interims, self._loop.time()
        self._sent_at_ms = self._ears.activity.heard_ms
        # A recogniser has worked through less than it has received.
        self._proc_ms = max(self._proc_ms, self._sent_at_ms - 100)
        await self._send({"tokens": [*finals, *interims]} | self._progress())

    def _progress(self) -> dict[str, object]:
        return {"final_audio_proc_ms": round(self._final_ms), "total_audio_proc_ms": round(self._proc_ms)}

    async def _send(self, response: dict[str, object]) -> None:
        if self._loop.time() >= self._mute_from_s:
            return
        self._counts.responses += 1
        await self._socket.send_str(json.dumps(response, ensure_ascii=False, separators=(",", ":")))
