"""The page's server on a free loopback port, and what the tests know of it."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from web.assets import STATIC

AGENT = "page-test"
# A build that is not the committed one: `OUT=/tmp/mine/static node build.mjs` in web/client.
PAGE_STATIC = Path(os.environ.get("PAGE_STATIC") or STATIC)
PROVIDERS = [
    {"role": "Speech to text", "name": "Soniox stt-rt-v4", "mode": "simulated"},
    {"role": "Language model", "name": "OpenAI gpt-4o-mini", "mode": "real"},
    {"role": "Text to speech", "name": "ElevenLabs", "mode": "simulated"},
]


@dataclass(frozen=True)
class PageServer:
    """Where the page is, and a client for its requests."""

    url: str
    http: aiohttp.ClientSession


class serve:
    """`async with serve(app) as page_server`: run an application."""

    def __init__(self, app: web.Application) -> None:
        self._runner = web.AppRunner(app)

    async def __aenter__(self) -> PageServer:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self._http = aiohttp.ClientSession(auto_decompress=False)
        return PageServer(f"http://{host}:{port}", self._http)

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
        await self._runner.cleanup()
