"""The connections to the providers, shared by all calls of a worker: one CA parse, one set of sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import openai

from prewarm.warm_llm import WarmTransport, model_url
from utils.framework_private import create_ssl_context

if TYPE_CHECKING:
    from config import Settings

KEEPALIVE_S = 120.0  # as the framework's own session: longer than a pause between two turns


class HttpClients:
    """An aiohttp session for STT and TTS, an OpenAI client for the LLM. Made on a running loop.

    With `spare_connection` the LLM has one connection open that is not in use.
    """

    def __init__(self, settings: Settings, *, spare_connection: bool = True) -> None:
        ssl_context = create_ssl_context()
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=settings.http_max_connections, keepalive_timeout=KEEPALIVE_S, ssl=ssl_context
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.http_timeout),
        )
        key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
        self.to_llm = WarmTransport(
            model_url(settings.openai_base_url, settings.llm_model),
            {"Authorization": f"Bearer {key}", "User-Agent": "firstword"},
            verify=ssl_context,
            max_connections=settings.http_max_connections,
            keepalive_s=KEEPALIVE_S,
            timeout_s=settings.http_timeout,
            spare=spare_connection,
        )
        self.openai = openai.AsyncClient(
            api_key=key,
            base_url=settings.openai_base_url,
            max_retries=0,  # livekit-agents retries by MAX_RETRIES; two layers would multiply
            timeout=settings.http_timeout,
            http_client=openai.DefaultAsyncHttpxClient(transport=self.to_llm, timeout=settings.http_timeout),
        )

    async def aclose(self) -> None:
        await asyncio.gather(self.session.close(), self.openai.close())
