"""The simulated text to speech, driven by the real plugin, by bare HTTP and by a bare websocket."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import numpy as np
import pytest
from livekit.agents import APIConnectOptions, APIError, APIStatusError
from livekit.plugins import elevenlabs

from sim.latency import Fixed, Profile, TtsLatency, fixed_profile
from sim.providers import SimulatedProviders
from sim.voice import AUDIBLE, Voice

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

KEY = "secret"
TEXT = "Hello there, this is the front desk."
LONG = " ".join(["This sentence goes on and on without an end."] * 8)
SILENCE_MS = 200
NO_RETRY = APIConnectOptions(max_retry=0, timeout=10)


def providers(first_byte_ms: float = 5, realtime_factor: float = 100) -> SimulatedProviders:
    base = fixed_profile()
    tts = TtsLatency(Fixed(first_byte_ms), Fixed(SILENCE_MS), realtime_factor)
    profile = Profile(base.soniox, base.llm, tts)
    return SimulatedProviders(profile=profile, api_key=KEY, only=frozenset({"elevenlabs"}))


@asynccontextmanager
async def plugin(server: SimulatedProviders, key: str = KEY, **options: Any) -> AsyncGenerator[elevenlabs.TTS]:
    async with aiohttp.ClientSession() as session:
        options = {"encoding": "pcm_24000"} | options
        tts = elevenlabs.TTS(base_url=server.elevenlabs_base_url, api_key=key, http_session=session, **options)
        try:
            yield tts
        finally:
            await tts.aclose()


async def said(tts: elevenlabs.TTS, text: str, *, streamed: bool) -> np.ndarray[Any, Any]:
    """All samples of one speech, and nothing else."""
    if streamed:
        stream = tts.stream(conn_options=NO_RETRY)
        stream.push_text(text)
        stream.end_input()
    else:
        stream = tts.synthesize(text, conn_options=NO_RETRY)
    async with stream:
        frames = [event.frame async for event in stream]
    return np.concatenate([np.frombuffer(frame.data, dtype=np.int16) for frame in frames])


def first_audible(pcm: np.ndarray[Any, Any]) -> int:
    return int(np.flatnonzero(np.abs(pcm.astype(int)) >= AUDIBLE)[0])


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("streamed", [True, False])
async def test_the_plugin_receives_exactly_the_silence_and_then_the_speech(streamed: bool) -> None:
    """Nothing is lost or added on the way: the drawn silence to the sample, then the voice's own samples."""
    async with providers() as server, plugin(server) as tts:
        pcm = await said(tts, TEXT, streamed=streamed)
    voice = Voice()
    speech = await voice.synthesize(TEXT, sample_rate_hz=24_000, voice_id="hpp4J3VqNfWAUOO0d1Us")
    await voice.aclose()
    assert first_audible(pcm) == SILENCE_MS * 24
    assert len(pcm) == pytest.approx(SILENCE_MS * 24 + len(speech), abs=24 * 20)


@pytest.mark.parametrize("streamed", [True, False])
async def test_the_plugins_own_default_encoding_works(streamed: bool) -> None:
    """mp3 is what an untouched plugin asks for; it decodes to the same speech."""
    async with providers() as server, plugin(server, encoding="mp3_22050_32") as tts:
        pcm = await said(tts, TEXT, streamed=streamed)
    assert 1.5 <= len(pcm) / 22_050 <= 4
    assert np.abs(pcm.astype(int)).max() > 5_000
    assert SILENCE_MS / 1000 * 22_050 * 0.8 <= first_audible(pcm) <= SILENCE_MS / 1000 * 22_050 * 1.6


async def test_two_streams_of_one_plugin_share_a_socket_and_keep_their_own_audio() -> None:
    """Two contexts at once: each gets its own speech, over one connection."""
    async with providers(50, 10) as server, plugin(server) as tts:
        short, long = await asyncio.gather(said(tts, "Yes.", streamed=True), said(tts, f"{TEXT} {TEXT}", streamed=True))
        assert len(long) > 3 * len(short)
        stats = server.stats["elevenlabs"]
        assert (stats["contexts"], stats["handshakes"], stats["contexts_open"]) == (2, 1, 0)


async def test_the_plugin_learns_when_each_word_is_spoken() -> None:
    """The alignment covers the text in order, begins after the silence and ends with the audio."""
    async with providers() as server, plugin(server) as tts:
        stream = tts.stream(conn_options=NO_RETRY)
        stream.push_text("Hello there friend.")
        stream.end_input()
        words: list[Any] = []
        samples = 0
        async with stream:
            async for event in stream:
                samples += event.frame.samples_per_channel
                words += event.frame.userdata.get("lk.timed_transcripts", [])
    assert "".join(words).split() == ["Hello", "there", "friend."]
    assert words[0].start_time == pytest.approx(SILENCE_MS / 1000, abs=0.01)
    assert [w.start_time for w in words] == sorted(w.start_time for w in words)
    assert words[-1].end_time <= samples / 24_000 + 0.01


async def test_a_plugin_stream_that_is_closed_early_frees_its_context() -> None:
    """Barge-in through the plugin: no speech goes on for nobody, and the socket stays warm."""
    async with providers(realtime_factor=2) as server, plugin(server) as tts:
        stream = tts.stream(conn_options=NO_RETRY)
        stream.push_text(LONG)
        stream.flush()
        async for _ in stream:
            break
        await stream.aclose()
        await until(lambda: server.stats["elevenlabs"]["contexts_open"] == 0)
        await said(tts, "Next.", streamed=True)
        assert server.stats["elevenlabs"]["handshakes"] == 1


async def test_a_wrong_key_is_an_error_on_both_ways() -> None:
    """401 over HTTP; over the websocket a message and a close in answer to the first message."""
    async with providers() as server:
        async with plugin(server, key="wrong") as tts:
            with pytest.raises(APIStatusError) as caught:
                await said(tts, TEXT, streamed=False)
            assert caught.value.status_code == 401
            with pytest.raises(APIError):
                await said(tts, TEXT, streamed=True)
        assert server.stats["elevenlabs"]["generations"] == 0


async def test_bad_requests_are_refused_with_a_reason() -> None:
    """No text 422, an unknown format 400, both in ElevenLabs' shape."""
    async with providers() as server, aiohttp.ClientSession(headers={"xi-api-key": KEY}) as session:
        url = f"{server.elevenlabs_base_url}/text-to-speech/any/stream"
        async with session.post(url, json={"text": " "}) as response:
            assert response.status == 422
            assert (await response.json())["detail"][0]["loc"] == ["body", "text"]
        async with session.post(url, json={"text": "x"}, params={"output_format": "opus_48000_32"}) as response:
            assert response.status == 400
            assert "opus_48000_32" in (await response.json())["detail"]["message"]
        async with session.post(url, data=b"{") as response:
            assert response.status == 400


async def test_the_whole_speech_over_http_has_its_length() -> None:
    """The route without `/stream` answers once, with all of it."""
    async with providers() as server, aiohttp.ClientSession(headers={"xi-api-key": KEY}) as session:
        url = f"{server.elevenlabs_base_url}/text-to-speech/any"
        async with session.post(url, json={"text": TEXT}, params={"output_format": "pcm_16000"}) as response:
            pcm = np.frombuffer(await response.read(), dtype="<i2")
            assert response.content_type == "audio/pcm"
        assert first_audible(pcm) == SILENCE_MS * 16


async def test_the_plugin_lists_the_voices() -> None:
    """What `list_voices` reads is there."""
    async with providers() as server, plugin(server) as tts:
        assert [voice.category for voice in await tts.list_voices()] == ["premade"] * 3


async def test_an_idle_close_can_be_ordered_on_a_warm_socket() -> None:
    """The fault closes sockets that are open already; the plugin's next speech opens a new one."""
    async with providers() as server, plugin(server) as tts:
        await said(tts, "One.", streamed=True)
        server.set_faults({"elevenlabs": {"idle_close_s": 0.01}})
        await until(lambda: server.stats["elevenlabs"]["sockets_open"] == 0)
        server.set_faults({"elevenlabs": {}})
        await said(tts, "Two.", streamed=True)
        assert server.stats["elevenlabs"]["handshakes"] == 2


async def test_rate_limits_reach_the_plugin_on_both_ways() -> None:
    """429 for the HTTP request and for the handshake."""
    async with providers() as server, plugin(server) as tts:
        server.set_faults({"elevenlabs": {"reject_every": 1, "reject_status": 429}})
        for streamed in (True, False):
            with pytest.raises(APIStatusError) as caught:
                await said(tts, TEXT, streamed=streamed)
            assert caught.value.status_code == 429
        assert server.stats["elevenlabs"]["rejected"] == 2


async def test_a_connection_cut_in_the_middle_is_an_error_at_the_plugin() -> None:
    """After the given number of chunks the network is gone, on both ways; the server stays well."""
    async with providers(realtime_factor=20) as server, plugin(server) as tts:
        server.set_faults({"elevenlabs": {"drop_after_chunks": 2}})
        for streamed in (True, False):
            with pytest.raises(APIError):
                await said(tts, LONG, streamed=streamed)
        await until(lambda: server.stats["elevenlabs"]["sockets_open"] == 0)
        assert server.stats["elevenlabs"]["dropped"] == 2
        server.set_faults({"elevenlabs": {}})
        assert len(await said(tts, TEXT, streamed=True))


async def test_a_listener_who_hangs_up_is_noticed() -> None:
    """An HTTP speech stops when its client is gone."""
    async with providers(realtime_factor=1) as server:
        async with aiohttp.ClientSession(headers={"xi-api-key": KEY}) as session:
            url = f"{server.elevenlabs_base_url}/text-to-speech/any/stream"
            response = await session.post(url, json={"text": LONG}, params={"output_format": "pcm_16000"})
            await response.content.readexactly(100)
            response.close()
        await until(lambda: server.stats["elevenlabs"]["cancelled"] == 1)
