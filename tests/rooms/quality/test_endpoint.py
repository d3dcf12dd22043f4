"""GET /api/quality over a real socket."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web

from rooms.quality.endpoint import quality_routes
from rooms.quality.report import quality_stats
from tests.rooms.quality.known import known

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from rooms.quality.endpoint import Allowed


@asynccontextmanager
async def served(allowed: Allowed | None = None) -> AsyncGenerator[str]:
    app = web.Application()
    app.add_routes(quality_routes(known(), allowed))
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/quality"
    finally:
        await runner.cleanup()


async def test_who_asks_from_here_is_answered() -> None:
    """With the report, which no cache keeps."""
    async with served() as url, aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert await answer.json() == quality_stats(known())


async def test_who_is_not_allowed_is_told_nothing() -> None:
    """403, and the guard sees the request."""
    seen: list[str] = []

    async def nobody(request: web.Request) -> bool:
        seen.append(request.path)
        return False

    async with served(nobody) as url, aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 403
        assert "ada" not in await answer.text()
    assert seen == ["/api/quality"]
