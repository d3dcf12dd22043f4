"""`GET /api/quality` for any aiohttp application: `app.add_routes(quality_routes(monitor))`."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

from rooms.quality.report import quality_stats

if TYPE_CHECKING:
    from rooms.quality.monitor import QualityMonitor

Allowed = Callable[[web.Request], Awaitable[bool]]


def quality_routes(monitor: QualityMonitor, allowed: Allowed | None = None) -> list[web.RouteDef]:
    """Answers `rooms.quality.report.QualityStats`; 403 where `allowed` says no.

    It names rooms and participants: without `allowed` only who asks from this machine is answered. Behind a proxy on
    it everybody does: give `allowed` there.
    """
    asked = allowed or _is_from_here

    async def answer(request: web.Request) -> web.Response:
        if not await asked(request):
            return web.json_response({"error": {"message": "the quality is not told to you"}}, status=403)
        return web.json_response(quality_stats(monitor), headers={"Cache-Control": "no-store"})

    return [web.get("/api/quality", answer)]


async def _is_from_here(request: web.Request) -> bool:
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    if not isinstance(peer, tuple) or not peer:
        return False
    try:
        return ipaddress.ip_address(str(peer[0])).is_loopback
    except ValueError:
        return False
