"""Settings without this machine's environment, and small servers."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiohttp import web

from config import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from small_servers import Handler, MakeSettings, Serve


@pytest.fixture
def make_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeSettings:
    """Makes settings of the given fields and the defaults alone."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.lower() in Settings.model_fields:
            monkeypatch.delenv(name)

    def make(**fields: Any) -> Settings:
        return Settings(**fields)

    return make


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts a server on loopback whose every path is answered by a handler; gives host and port."""
    runners: list[web.AppRunner] = []

    async def start(handler: Handler) -> str:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, shutdown_timeout=0.0, handler_cancellation=True)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"127.0.0.1:{runner.addresses[0][1]}"

    yield start
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
def refusing() -> str:
    """Host and port on which nothing listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{unused.getsockname()[1]}"
