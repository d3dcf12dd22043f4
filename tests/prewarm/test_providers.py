"""Each provider setting, seen from the other end of the wire or on the plugin itself."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from livekit.agents import APIConnectOptions, APIError
from livekit.agents.llm import ChatContext
from livekit.plugins import soniox

from prewarm.http_clients import HttpClients
from prewarm.providers import make_llm, make_stt, make_tts, tts_sound
from tests.prewarm.wire import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from livekit.plugins import openai

    from tests.conftest import MakeSettings

NO_RETRY = APIConnectOptions(max_retry=0, timeout=10)
KEYS = {"openai_api_key": "key-o", "soniox_api_key": "key-s", "eleven_api_key": "key-e"}


@asynccontextmanager
async def plugins(
    wire: Wire, make_settings: MakeSettings, **fields: Any
) -> AsyncGenerator[tuple[openai.LLM, Any, soniox.STT]]:
    """The three plugins, pointed at `wire`."""
    settings = make_settings(
        openai_base_url=f"http://{wire.address}/llm/v1",
        elevenlabs_base_url=f"http://{wire.address}/tts/v1",
        soniox_base_url=f"ws://{wire.address}/stt",
        **{**KEYS, **fields},
    )
    clients = HttpClients(settings)
    llm, tts, stt = (
        make_llm(settings, clients),
        make_tts(settings, clients),
        make_stt(settings, clients, soniox.STTOptions(model=settings.stt_model)),
    )
    try:
        yield llm, tts, stt
    finally:
        await asyncio.gather(llm.aclose(), tts.aclose(), stt.aclose())
        await clients.aclose()


async def ask(llm: openai.LLM) -> None:
    context = ChatContext.empty()
    context.add_message(role="user", content="hello")
    async with llm.chat(chat_ctx=context, conn_options=NO_RETRY) as stream:
        async for _ in stream:
            pass


async def speak(tts: Any) -> None:
    async with tts.stream(conn_options=NO_RETRY) as stream:
        stream.push_text("Hello.")
        stream.end_input()
        async for _ in stream:
            pass


async def test_what_the_llm_is_asked(make_settings: MakeSettings) -> None:
    """LLM_MODEL, MAX_TOKENS, OPENAI_API_KEY and OPENAI_BASE_URL."""
    async with (
        Wire() as wire,
        plugins(wire, make_settings, llm_model="gpt-4.1-nano", max_tokens=33) as (llm, _, _),
    ):
        with pytest.raises(APIError):
            await ask(llm)
        request = await wire.request("/llm/v1/chat/completions")
    assert request.headers["Authorization"] == "Bearer key-o"
    assert (request.body["model"], request.body["max_completion_tokens"]) == ("gpt-4.1-nano", 33)


async def test_what_the_tts_is_asked(make_settings: MakeSettings) -> None:
    """TTS_VOICE, TTS_MODEL, ELEVEN_API_KEY and ELEVENLABS_BASE_URL; sound that needs no decoder."""
    async with (
        Wire() as wire,
        plugins(wire, make_settings, tts_voice="ada", tts_model="eleven_turbo_v2_5") as (_, tts, _),
    ):
        with pytest.raises(APIError):
            await speak(tts)
        request = await wire.request("/tts/v1/text-to-speech/ada/multi-stream-input")
    assert request.headers["xi-api-key"] == "key-e"
    assert (request.query["model_id"], request.query["output_format"]) == ("eleven_turbo_v2_5", "pcm_24000")


async def test_all_that_changes_the_sound_is_in_the_greetings_key(make_settings: MakeSettings) -> None:
    """What the TTS is asked is voice, model, what `tts_sound` names, and the plugin's own defaults.

    If this fails, a greeting on disk may sound otherwise than one that is made now. An option of `make_tts` belongs in
    `tts_sound`, a new default of the plugin raises SOUND_VERSION; then it belongs here.
    """
    async with Wire() as wire, plugins(wire, make_settings) as (_, tts, _):
        with pytest.raises(APIError):
            await speak(tts)
        request = await wire.request("/multi-stream-input")
        settings = make_settings(elevenlabs_base_url=f"http://{wire.address}/tts/v1")
    assert dict(request.query) == {
        "model_id": settings.tts_model,
        "output_format": tts_sound(settings)[0],
        "apply_text_normalization": "auto",
        "enable_ssml_parsing": "false",
        "enable_logging": "true",
        "inactivity_timeout": "180",
        "auto_mode": "true",
        "sync_alignment": "true",
    }
    assert request.body.get("voice_settings") in (None, {})
    assert tts_sound(settings)[1] == settings.elevenlabs_base_url


async def test_what_the_stt_is_asked(make_settings: MakeSettings) -> None:
    """STT_MODEL, SONIOX_API_KEY and SONIOX_BASE_URL, which is used as it is."""
    async with (
        Wire() as wire,
        plugins(wire, make_settings, stt_model="stt-rt-v4") as (_, _, stt),
        stt.stream(conn_options=NO_RETRY),
    ):
        request = await wire.request("/stt")
    assert request.body["model"] == "stt-rt-v4"
    assert "key-s" in (request.body.get("api_key"), request.headers.get("Authorization", "").removeprefix("Bearer "))


async def test_the_openai_client_does_not_retry_below_the_framework(make_settings: MakeSettings) -> None:
    """Two layers of retries would multiply: one attempt of the framework is one request."""
    async with Wire(status=500) as wire, plugins(wire, make_settings, max_retries=2) as (llm, _, _):
        with pytest.raises(APIError):
            await ask(llm)
        assert len(wire.requests) == 1
