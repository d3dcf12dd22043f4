"""`GET /api/quality` for any aiohttp application: `app.add_routes(quality_routes(monitor))`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from rooms.door.own_machine import why_not_own
from rooms.quality.report import quality_stats
from rooms.replies import refusal

if TYPE_CHECKING:
    from rooms.quality.monitor import QualityMonitor

Allowed = Callable[[web.Request], Awaitable[bool]]


def quality_routes(monitor: QualityMonitor, allowed: Allowed | None = None) -> list[web.RouteDef]:
    """Answers `rooms.quality.report.QualityStats`; 403 where `allowed` says no.

    It names rooms and participants: without `allowed` only this machine itself is answered, see
    `rooms.door.own_machine`.
    """
    asked = allowed or _is_from_here

    async def answer(request: web.Request) -> web.Response:
        if not await asked(request):
            return refusal(403, "the quality is not told to you")
        return web.json_response(quality_stats(monitor), headers={"Cache-Control": "no-store"})

    return [web.get("/api/quality", answer)]


async def _is_from_here(request: web.Request) -> bool:
    return why_not_own(request) is None
