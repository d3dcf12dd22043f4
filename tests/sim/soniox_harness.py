"""A running simulator and a raw client for the Soniox tests."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import aiohttp
import numpy as np
from aiohttp import web

from sim.ears.phrasebook import Phrasebook
from sim.latency import Fixed, fixed_profile
from sim.soniox import PATH, SonioxFaults, SonioxSimulator
from sim.speech.library import load_speech

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sim.ears.base import Samples
    from sim.latency import SonioxLatency

QUICK = replace(fixed_profile().soniox, interim_lag=Fixed(20), final=Fixed(60))
CONFIG: dict[str, Any] = {
    "model": "stt-rt-v5",
    "audio_format": "pcm_s16le",
    "num_channels": 1,
    "sample_rate": 16000,
    "enable_endpoint_detection": True,
    "api_key": "sim",
}


@cache
def phrasebook() -> Phrasebook:
    return Phrasebook(load_speech().values())


def silence(ms: float) -> Samples:
    return np.zeros(int(ms * 16), np.int16)


def spoken(name: str, *, before_ms: float = 300, after_ms: float = 1000) -> Samples:
    """A recording with silence around it."""
    return np.concatenate([silence(before_ms), load_speech()[name].pcm, silence(after_ms)])


@dataclass
class RawClient:
    """A websocket client that speaks the protocol by hand and keeps what it was told."""

    socket: aiohttp.ClientWebSocketResponse
    responses: list[dict[str, Any]] = field(default_factory=list)

    async def start(self, **changes: Any) -> None:
        await self.socket.send_json(CONFIG | changes)

    async def hear(self, pcm: Samples, block_ms: int = 50) -> None:
        """Send audio as fast as it goes."""
        for start in range(0, len(pcm), block_ms * 16):
            await self.socket.send_bytes(pcm[start : start + block_ms * 16].tobytes())

    async def finalize(self) -> None:
        await self.socket.send_str('{"type":"finalize"}')

    async def until(self, mark: str) -> dict[str, Any]:
        """Receive up to the first response with this token, or with this key ("finished", "error_code")."""
        async with asyncio.timeout(10):
            while True:
                message = await self.socket.receive()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    raise AssertionError(f"closed before {mark!r}: {message.type!r}, got {self.responses}")
                response: dict[str, Any] = json.loads(message.data)
                self.responses.append(response)
                if mark in response or any(token["text"] == mark for token in response.get("tokens", [])):
                    return response

    async def closed(self) -> bool:
        """Wait until the server closes the socket, without a further response."""
        async with asyncio.timeout(10):
            return (await self.socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)

    def finals(self) -> str:
        """The text of all final tokens so far, marks included."""
        return "".join(token["text"] for token in self._tokens() if token["is_final"])

    def interims(self) -> list[str]:
        """The non-final text of each response that had any."""
        texts = ["".join(t["text"] for t in r.get("tokens", []) if not t["is_final"]) for r in self.responses]
        return [text for text in texts if text]

    def _tokens(self) -> list[dict[str, Any]]:
        return [token for response in self.responses for token in response.get("tokens", [])]


@asynccontextmanager
async def simulator(
    latency: SonioxLatency = QUICK,
    *,
    api_keys: frozenset[str] | None = frozenset({"sim"}),
    faults: SonioxFaults | None = None,
) -> AsyncGenerator[tuple[SonioxSimulator, str]]:
    """A simulator on a free port, and its websocket's address."""
    soniox = SonioxSimulator(phrasebook().ears, latency, api_keys=api_keys, faults=faults)
    app = web.Application()
    app.add_routes(soniox.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield soniox, f"ws://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    finally:
        await soniox.aclose()
        await runner.cleanup()


@asynccontextmanager
async def raw_client(url: str, headers: dict[str, str] | None = None) -> AsyncGenerator[RawClient]:
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers) as socket:
        yield RawClient(socket)
