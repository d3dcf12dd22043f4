"""The provider plugins, built from the settings: one place for each constructor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.agents import NOT_GIVEN, tokenize
from livekit.plugins import elevenlabs, openai, soniox

from prewarm.pooled_tts import PooledTTS
from prewarm.warm_llm import PooledLLM

if TYPE_CHECKING:
    from pydantic import SecretStr

    from config import Settings
    from prewarm.http_clients import HttpClients

TTS_SAMPLE_RATE_HZ = 24_000  # what the room's audio source takes: no decoder and no resampler between
TTS_ENCODING = "pcm_24000"


def make_stt(
    settings: Settings, clients: HttpClients, params: soniox.STTOptions, kind: type[soniox.STT] = soniox.STT
) -> soniox.STT:
    return kind(
        api_key=_text(settings.soniox_api_key),
        base_url=settings.soniox_base_url,
        http_session=clients.session,
        params=params,
    )


def make_tts(
    settings: Settings, clients: HttpClients, tokenizer: tokenize.SentenceTokenizer | None = None
) -> elevenlabs.TTS:
    """`tokenizer` cuts a reply into what is synthesized at a time; None: whole sentences."""
    return PooledTTS(
        voice_id=settings.tts_voice,
        model=settings.tts_model,
        encoding=TTS_ENCODING,
        api_key=_text(settings.eleven_api_key),
        base_url=settings.elevenlabs_base_url,
        http_session=clients.session,
        word_tokenizer=tokenizer or NOT_GIVEN,
    )


def tts_sound(settings: Settings) -> tuple[str, ...]:
    """What else `make_tts` says about the sound, beside voice and model: an option that you add there belongs here.

    The address is in it, since a simulated voice takes the name of the real one.
    """
    return TTS_ENCODING, settings.elevenlabs_base_url, "clauses" if settings.first_clause else "sentences"


def make_llm(settings: Settings, clients: HttpClients) -> openai.LLM:
    return PooledLLM(
        look=clients.to_llm.look,
        model=settings.llm_model,
        client=clients.openai,
        max_completion_tokens=settings.max_tokens,
    )


def _text(secret: SecretStr | None) -> str:
    return secret.get_secret_value() if secret else ""
