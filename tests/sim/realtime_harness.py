"""A running simulated Realtime model, a client that speaks the protocol by hand, and the plugin's own session."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import aiohttp
import numpy as np
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from sim.dialogue import Dialogue, ScriptedDialogue
from sim.ears.phrasebook import Phrasebook
from sim.latency import Fixed, RealtimeLatency, fixed_profile
from sim.providers import SimulatedProviders
from sim.speech.library import load_speech

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

KEY = "secret"
QUICK = RealtimeLatency(first_audio=Fixed(5), leading_silence=Fixed(0), transcription=Fixed(20), realtime_factor=1000.0)
SERVER_EVENT: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
RATE_HZ = 24_000
PIECE_BYTES = RATE_HZ // 10 * 2


@cache
def phrasebook() -> Phrasebook:
    return Phrasebook(load_speech().values())


def realtime(dialogue: Dialogue | None = None, latency: RealtimeLatency = QUICK) -> SimulatedProviders:
    """As `SimulatedProviders`, with nothing but OpenAI."""
    return SimulatedProviders(
        profile=replace(fixed_profile(), realtime=latency),
        dialogue=dialogue or ScriptedDialogue(["We open at five.", "Gladly.", "Goodbye."]),
        ears=phrasebook().ears,
        api_key=KEY,
        only=frozenset({"openai"}),
    )


def url(providers: SimulatedProviders, query: str = "?model=gpt-realtime") -> str:
    return providers.openai_base_url.replace("http", "ws") + "/realtime" + query


@cache
def spoken(name: str, *, after_ms: int = 900) -> bytes:
    """A recording at 24 kHz with silence around it."""
    quiet = np.zeros(RATE_HZ * 300 // 1000, np.int16)
    pcm = np.concatenate([quiet, _at_24_khz(name), np.zeros(RATE_HZ * after_ms // 1000, np.int16)])
    return pcm.tobytes()


def _at_24_khz(name: str) -> Any:
    pcm = load_speech()[name].pcm
    places = np.linspace(0, len(pcm) - 1, len(pcm) * 3 // 2)
    return np.interp(places, np.arange(len(pcm)), pcm).astype(np.int16)


@dataclass
class RawClient:
    """Keeps all events; each one has to be one of those that OpenAI's own types know."""

    socket: aiohttp.ClientWebSocketResponse
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send_json({"type": kind, **fields})

    async def hear(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), PIECE_BYTES):
            piece = base64.b64encode(pcm[start : start + PIECE_BYTES]).decode()
            await self.send("input_audio_buffer.append", audio=piece)

    async def until(self, kind: str, count: int = 1, *, timeout_s: float = 20.0) -> dict[str, Any]:
        """The `count`-th event of that kind, those before this call included."""
        async with asyncio.timeout(timeout_s):
            while len(found := self.of(kind)) < count:
                message = await self.socket.receive()
                assert message.type is aiohttp.WSMsgType.TEXT, f"{message.type.name} instead of {kind}"
                event = json.loads(message.data)
                SERVER_EVENT.validate_python(event)
                self.events.append(event)
        return found[count - 1]

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    @property
    def kinds(self) -> list[str]:
        """In order, each run of the same kind once."""
        kinds = [event["type"] for event in self.events]
        return [kind for index, kind in enumerate(kinds) if index == 0 or kinds[index - 1] != kind]

    async def setup(self, *, turn_detection: Any = "default", **session: Any) -> None:
        """Text and words of the caller are told; `turn_detection` as given."""
        audio: dict[str, Any] = {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}}
        if turn_detection != "default":
            audio["input"]["turn_detection"] = turn_detection
        await self.send("session.update", session={"type": "realtime", "audio": audio, **session})
        await self.until("session.updated")

    def sound(self) -> bytes:
        return b"".join(base64.b64decode(event["delta"]) for event in self.of("response.output_audio.delta"))


@asynccontextmanager
async def raw(providers: SimulatedProviders, *, key: str = KEY) -> AsyncGenerator[RawClient]:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.ws_connect(url(providers)) as socket,
    ):
        client = RawClient(socket)
        await client.until("session.created")
        yield client
