"""One context of the simulated text to speech: what is said in one speech, and when it stops."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

from sim.espeak import VoiceUnavailableError
from sim.spoken import Chunk, Timing, deliver, speak

if TYPE_CHECKING:
    from sim.elevenlabs_socket import TtsSocket

CHUNK_LENGTH_SCHEDULE = (120, 160, 250, 290)
"""Without auto_mode: how many characters have to wait before the k-th piece is spoken unasked."""


class Context:
    """One speech: texts in, audio out in the same order, one after the other.

    `ended` is set by its socket, after the client was told.
    """

    def __init__(self, context_id: str, socket: TtsSocket) -> None:
        self.context_id = context_id
        self.ended = asyncio.Event()
        self._socket = socket
        self._texts: asyncio.Queue[tuple[str, Timing] | None] = asyncio.Queue()
        self._buffer = ""
        self._generations = 0
        self._pending = 0
        self._offset_ms = 0.0
        self._closed = False
        self._abandoned = False
        self._input_ended = False
        self._speaking: asyncio.Task[None] | None = None

    @property
    def is_busy(self) -> bool:
        return self._pending > 0

    def take(self, text: str, *, flush: bool) -> None:
        if self._closed:
            return
        self._buffer += text
        self._input_ended = flush and not text
        if flush or self._is_enough():
            self._generate()

    def close(self) -> None:
        """The client's `close_context`; a second one stops whatever is left."""
        if self._input_ended and not self._closed:
            self.finish()
        else:
            self.abandon()

    def finish(self) -> None:
        """No more text; what was accepted is spoken."""
        self._generate()
        self._closed = True
        self._texts.put_nowait(None)

    def abandon(self) -> None:
        """No more text, no more speech."""
        self._closed = self._abandoned = True
        if self._pending:
            self._socket.stats.cancelled += 1
            self._pending = 0
        if self._speaking is not None:
            self._speaking.cancel()
        else:
            self._texts.put_nowait(None)

    async def run(self) -> None:
        """Until closed; being stopped in the middle is a normal end."""
        self._speaking = asyncio.create_task(self._speak_all(), name=f"tts speech {self.context_id}")
        try:
            # A client that says all at once has closed the context before this task ran: that is no interruption.
            if self._abandoned:
                self.abandon()
            await asyncio.wait([self._speaking])
        finally:
            self._speaking.cancel()
            await asyncio.wait([self._speaking])
        if not self._speaking.cancelled():
            self._speaking.result()

    async def _speak_all(self) -> None:
        while (item := await self._texts.get()) is not None:
            try:
                await self._speak(*item)
            except VoiceUnavailableError as error:
                message = {"message": str(error), "error": "voice_unavailable", "contextId": self.context_id}
                await self._socket.send(message)
                return
            self._pending = max(self._pending - 1, 0)

    async def _speak(self, text: str, timing: Timing) -> None:
        settings = self._socket.settings
        spoken = await speak(
            self._socket.voice,
            text,
            audio_format=settings.audio_format,
            voice_id=settings.voice_id,
            language=settings.language,
            leading_silence_ms=timing.leading_silence_ms,
        )
        sent = 0

        async def send(chunk: Chunk) -> None:
            nonlocal sent
            if sent == self._socket.faults().drop_after_chunks:
                self._socket.drop()
            sent += 1
            await self._socket.send(self._message(chunk))

        await deliver(spoken, timing, send)
        self._offset_ms += spoken.duration_ms
        self._socket.stats.completed += 1

    def _message(self, chunk: Chunk) -> dict[str, Any]:
        """Character times count from the context's first audio."""
        alignment: dict[str, list[Any]] | None = None
        if self._socket.settings.sync_alignment:
            offset_ms = round(self._offset_ms)
            alignment = {
                "chars": [character.text for character in chunk.characters],
                "charStartTimesMs": [offset_ms + character.start_ms for character in chunk.characters],
                "charDurationsMs": [character.duration_ms for character in chunk.characters],
            }
        return {
            "audio": base64.b64encode(chunk.audio).decode("ascii"),
            "contextId": self.context_id,
            "alignment": alignment,
            "normalizedAlignment": alignment,
        }

    def _is_enough(self) -> bool:
        """Whether the model would begin without being told to."""
        if self._socket.settings.auto_mode:
            return self._buffer.rstrip().endswith((".", "!", "?", "\u061f"))
        step = min(self._generations, len(CHUNK_LENGTH_SCHEDULE) - 1)
        return len(self._buffer) >= CHUNK_LENGTH_SCHEDULE[step]

    def _generate(self) -> None:
        text, self._buffer = self._buffer.lstrip(), ""
        if not text.strip() or self._closed:
            return
        self._generations += 1
        self._pending += 1
        stats = self._socket.stats
        stats.generations += 1
        stats.characters += len(text)
        stall_ms = self._socket.faults().stall_ms
        self._texts.put_nowait((text, Timing.draw(self._socket.latency, stall_ms=stall_ms)))
