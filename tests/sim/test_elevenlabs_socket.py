"""The multi-context websocket of the simulated text to speech, message by message."""

from __future__ import annotations

import asyncio
import base64
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from sim.latency import Fixed, Profile, TtsLatency, fixed_profile
from sim.providers import SimulatedProviders

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

KEY = "secret"
LONG = " ".join(["This sentence goes on and on without an end."] * 8)
SILENCE_MS = 200


def providers(first_byte_ms: float = 5, realtime_factor: float = 100) -> SimulatedProviders:
    base = fixed_profile()
    tts = TtsLatency(Fixed(first_byte_ms), Fixed(SILENCE_MS), realtime_factor)
    profile = Profile(base.soniox, base.llm, tts)
    return SimulatedProviders(profile=profile, api_key=KEY, only=frozenset({"elevenlabs"}))


@asynccontextmanager
async def socket(server: SimulatedProviders, key: str = KEY, **query: str) -> AsyncGenerator[Any]:
    url = f"{server.elevenlabs_base_url}/text-to-speech/any/multi-stream-input"
    query = {"output_format": "pcm_16000"} | query
    async with (
        aiohttp.ClientSession(headers={"xi-api-key": key}) as session,
        session.ws_connect(url, params=query) as ws,
    ):
        yield ws


async def test_the_first_byte_waits_and_audio_comes_faster_than_it_plays() -> None:
    """First byte after its drawn wait; twenty times real time is far ahead of playing, yet not all at once."""
    async with providers(first_byte_ms=200, realtime_factor=20) as server, socket(server) as ws:
        begun = time.monotonic()
        await ws.send_json({"text": LONG, "context_id": "a", "flush": True})
        arrivals: list[float] = []
        audio_s = 0.0
        await ws.send_json({"text": "", "context_id": "a", "flush": True})
        await ws.send_json({"context_id": "a", "close_context": True})
        while not (message := await ws.receive_json()).get("isFinal"):
            arrivals.append(time.monotonic() - begun)
            audio_s += len(base64.b64decode(message["audio"])) / 32_000
    assert arrivals[0] >= 0.2
    spread_s = arrivals[-1] - arrivals[0]
    assert audio_s / 40 < spread_s < audio_s


async def test_texts_of_a_context_are_spoken_in_order_each_with_its_silence() -> None:
    """A second flush follows the first; its character times go on from there."""
    async with providers() as server, socket(server, sync_alignment="true") as ws:
        for text in ("First one. ", "Second one. ", ""):
            await ws.send_json({"text": text, "context_id": "a", "flush": True})
        await ws.send_json({"context_id": "a", "close_context": True})
        chars, starts = "", []
        while not (message := await ws.receive_json()).get("isFinal"):
            chars += "".join(message["normalizedAlignment"]["chars"])
            starts += message["alignment"]["charStartTimesMs"]
        assert message["contextId"] == "a"
    assert chars == "First one. Second one. "
    assert starts == sorted(starts)
    assert starts[len("First one. ")] > starts[0] + 2 * SILENCE_MS


async def test_closing_a_context_in_the_middle_stops_it() -> None:
    """An interruption ends the speech at once, with isFinal; the socket serves the next context."""
    async with providers(realtime_factor=2) as server, socket(server) as ws:
        await ws.send_json({"text": LONG, "context_id": "a", "flush": True})
        assert "audio" in await ws.receive_json()
        await ws.send_json({"context_id": "a", "close_context": True})
        rest = 0
        while not (await ws.receive_json()).get("isFinal"):
            rest += 1
        assert rest <= 2
        assert server.stats["elevenlabs"]["cancelled"] == 1
        await ws.send_json({"text": "Next.", "context_id": "b", "flush": True})
        assert (await ws.receive_json())["contextId"] == "b"


async def test_auto_mode_speaks_at_a_sentence_end_and_the_schedule_at_a_length() -> None:
    """Text without a flush is spoken when the model would have enough of it."""
    async with providers() as server:
        async with socket(server, auto_mode="true") as ws:
            for text in ("Hello ", "there."):
                await ws.send_json({"text": text, "context_id": "a"})
            assert "audio" in await ws.receive_json()
        async with socket(server) as ws:
            await ws.send_json({"text": "Short text. ", "context_id": "a"})
            await ws.send_json({"text": "x" * 10 + " word" * 30, "context_id": "b"})
            assert (await ws.receive_json())["contextId"] == "b"


async def test_a_sixth_context_breaks_the_socket() -> None:
    """Five contexts a socket, then error and close 1008, as clients met it in production."""
    async with providers() as server, socket(server) as ws:
        for number in range(6):
            await ws.send_json({"text": " ", "context_id": str(number)})
        message = await ws.receive_json()
        assert (message["error"], message["code"]) == ("max_active_conversations", 1008)
        assert (await ws.receive()).type == aiohttp.WSMsgType.CLOSE
        assert ws.close_code == 1008


async def test_close_socket_speaks_what_is_left_and_closes() -> None:
    """The graceful end: audio, isFinal, close."""
    async with providers() as server, socket(server) as ws:
        await ws.send_json({"text": "Bye now.", "context_id": "a"})
        await ws.send_json({"close_socket": True})
        messages = [message.json() async for message in ws]
    assert "audio" in messages[0]
    assert messages[-1].get("isFinal")
    assert ws.close_code == 1000


async def test_the_key_may_come_in_the_first_message() -> None:
    """The protocol's other place for the key; it counts for the whole socket."""
    async with providers() as server, socket(server, key="") as ws:
        await ws.send_json({"text": " ", "context_id": "a", "xi_api_key": KEY})
        await ws.send_json({"text": "Hello there.", "context_id": "a", "flush": True})
        assert "audio" in await ws.receive_json()


async def test_messages_that_arrive_together_are_all_spoken() -> None:
    """The whole speech in one network packet, its close included, is not mistaken for an interruption."""
    async with providers() as server, socket(server) as ws:
        messages = (
            {"text": "Hello there. ", "context_id": "a", "flush": True},
            {"text": "", "context_id": "a", "flush": True},
            {"context_id": "a", "close_context": True},
        )
        await asyncio.gather(*(ws.send_json(message) for message in messages))
        assert "audio" in await ws.receive_json()


async def test_a_quiet_socket_is_closed_after_the_clients_own_limit() -> None:
    """`inactivity_timeout` in the URL: an error message, then close 1008."""
    async with providers() as server, socket(server, inactivity_timeout="0.05") as ws:
        assert (await ws.receive_json())["error"] == "input_timeout_exceeded"
        assert (await ws.receive()).type == aiohttp.WSMsgType.CLOSE


async def test_a_wrong_key_is_refused_at_the_first_message() -> None:
    """Message and close, and no synthesis."""
    async with providers() as server, socket(server, key="wrong") as ws:
        await ws.send_json({"text": " ", "context_id": "a"})
        assert (await ws.receive_json())["error"] == "invalid_api_key"
        assert (await ws.receive()).type == aiohttp.WSMsgType.CLOSE
        assert server.stats["elevenlabs"]["generations"] == 0
