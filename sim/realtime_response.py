"""One response of the simulated Realtime model: what is said or called, at the model's pace."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.audio_format import AudioFormat
from sim.realtime_config import RATE_HZ
from sim.realtime_output import Output, Wish
from sim.spoken import Chunk, Timing, deliver, speak

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sim.dialogue import Dialogue
    from sim.latency import RealtimeLatency
    from sim.realtime_conversation import Conversation
    from sim.tool_calls import ToolCall
    from sim.voice import Voice

AUDIO = AudioFormat("pcm", RATE_HZ)


@dataclass(frozen=True)
class Maker:
    """What every response of a connection needs. `send` sends one event; `spoke` is told how many pieces of sound."""

    dialogue: Dialogue
    latency: RealtimeLatency
    voice: Voice
    conversation: Conversation
    send: Callable[[dict[str, Any]], Awaitable[None]]
    spoke: Callable[[int], None]


class Response:
    """Made when it is asked for. `run` ends it with `response.done`, or `stop` does.

    `failure`: the code by which it fails, after the wait for its first sound.
    """

    def __init__(self, number: str, maker: Maker, wish: Wish, *, stall_ms: float, failure: str | None) -> None:
        self._maker = maker
        self._wish = wish
        self._failure = failure
        self._due_s = time.monotonic() + (maker.latency.first_audio.draw_ms() + stall_ms) / 1000
        self._output = Output(number, wish, maker.conversation, maker.send)
        self._work: asyncio.Task[None] | None = None
        self.done = False

    @property
    def id(self) -> str:
        return self._output.response_id

    async def run(self) -> None:
        """Until it is said, or stopped. Raises what `send` raises."""
        if self.done:
            return
        self._work = asyncio.create_task(self._make(), name=f"realtime {self.id}")
        try:
            await asyncio.wait([self._work])
        finally:
            self._work.cancel()
            await asyncio.wait([self._work])
        if not self._work.cancelled():
            self._work.result()

    async def stop(self, reason: str) -> None:
        """`reason` "turn_detected" or "client_cancelled": what is under way ends incomplete, and the client is told."""
        if self.done:
            return
        self.done = True
        if self._work is not None:
            self._work.cancel()
            await asyncio.wait([self._work])
        await self._output.done("cancelled", reason=reason)

    async def _make(self) -> None:
        maker, output = self._maker, self._output
        await output.created()
        await maker.conversation.settled()
        if self._failure is not None:
            await self._first_sound_is_due()
            self.done = True
            await output.done("failed", error={"type": self._failure, "code": self._failure})
            return
        reply = maker.dialogue.reply(maker.conversation.messages(self._wish.instructions), self._wish.tools)
        if reply.tool_calls:
            await self._first_sound_is_due()
            for number, call in enumerate(reply.tool_calls):
                await self._call(number, call)
        elif self._wish.speaks:
            await self._speak(reply.text)
        else:
            await self._write(reply.text)
        self.done = True
        await output.done("completed")

    async def _speak(self, text: str) -> None:
        maker, output = self._maker, self._output
        silence_ms = maker.latency.leading_silence.draw_ms()
        spoken = await speak(
            maker.voice,
            text,
            audio_format=AUDIO,
            voice_id=self._wish.voice,
            language=None,
            leading_silence_ms=silence_ms,
        )
        await self._first_sound_is_due()
        item = await output.begin_message({"type": "output_audio", "transcript": ""})
        pieces = 0

        async def send(chunk: Chunk) -> None:
            nonlocal pieces
            words = "".join(each.text for each in chunk.characters)
            item.content[0]["transcript"] += words
            item.characters += chunk.characters
            item.audio_ms += len(chunk.audio) / 2 / RATE_HZ * 1000
            if words:
                await output.piece(item, "output_audio_transcript.delta", delta=words)
            delta = base64.b64encode(chunk.audio).decode("ascii")
            await output.piece(item, "output_audio.delta", delta=delta)
            pieces += 1
            maker.spoke(pieces)

        now_s = time.monotonic()
        await deliver(spoken, Timing(now_s, now_s, silence_ms, maker.latency.realtime_factor), send)
        await output.close(item)

    async def _write(self, text: str) -> None:
        await self._first_sound_is_due()
        item = await self._output.begin_message({"type": "output_text", "text": ""})
        for word in re.findall(r"\s*\S+", text):
            item.content[0]["text"] += word
            await self._output.piece(item, "output_text.delta", delta=word)
        await self._output.close(item)

    async def _call(self, number: int, call: ToolCall) -> None:
        """The arguments come in two pieces: clients have to wait for the end of them."""
        output, arguments = self._output, json.dumps(call.arguments, ensure_ascii=False)
        item = await output.begin(
            type="function_call", call_id=f"call_{self.id}_{number}", name=call.name, arguments=""
        )
        half = len(arguments) // 2
        for piece in (arguments[:half], arguments[half:]):
            await output.arguments(item, "delta", delta=piece)
        item.wire["arguments"] = arguments
        await output.arguments(item, "done", name=call.name, arguments=arguments)
        await output.close(item)

    async def _first_sound_is_due(self) -> None:
        await asyncio.sleep(max(self._due_s - time.monotonic(), 0.0))
