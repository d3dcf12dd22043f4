"""The connections to the providers, shared by all calls of a worker: one CA parse, one set of sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import httpx2
import openai

from utils.framework_private import create_ssl_context

if TYPE_CHECKING:
    from config import Settings

KEEPALIVE_S = 120.0  # as the framework's own session: longer than a pause between two turns


class HttpClients:
    """An aiohttp session for STT and TTS, an OpenAI client for the LLM. Made on a running loop."""

    def __init__(self, settings: Settings) -> None:
        ssl_context = create_ssl_context()
        self.session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=settings.http_max_connections, keepalive_timeout=KEEPALIVE_S, ssl=ssl_context
            ),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=settings.http_timeout),
        )
        key = settings.openai_api_key
        self.openai = openai.AsyncClient(
            api_key=key.get_secret_value() if key else "",
            base_url=settings.openai_base_url,
            max_retries=0,  # livekit-agents retries by MAX_RETRIES; two layers would multiply
            timeout=settings.http_timeout,
            http_client=openai.DefaultAsyncHttpxClient(
                verify=ssl_context,
                limits=httpx2.Limits(
                    max_connections=settings.http_max_connections,
                    max_keepalive_connections=settings.http_max_connections,
                    keepalive_expiry=KEEPALIVE_S,
                ),
                timeout=settings.http_timeout,
            ),
        )

    async def aclose(self) -> None:
        await asyncio.gather(self.session.close(), self.openai.close())
