"""`control`: LiveKit's control plane as a service - tokens, webhooks, limits, quality, settings that change."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import prometheus_client
from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from rooms.door.app import door_app
from rooms.door.bearer import has_bearer
from rooms.door.caller import Caller
from rooms.door.own_machine import why_not_own
from rooms.optimizer import PerformanceOptimizer
from rooms.performance.endpoint import PATH as PERFORMANCE_PATH
from rooms.performance.endpoint import performance_app
from rooms.performance.live import LivePerformance
from rooms.performance.problems import PerformanceError
from rooms.quality.endpoint import quality_routes
from rooms.quality.metrics import QualityCollector
from rooms.tokens import ApiKey, new_name
from rooms.webhooks.receiver import PATH as WEBHOOK_PATH
from rooms.webhooks.receiver import Webhooks
from runtime.supervisor import CANNOT_START
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from config import Settings

log = get_logger("control")

BAD_SETTINGS = 2


async def control(settings: Settings) -> int:
    """Serve until a stop signal; returns the exit code."""
    missing = [name for name in ("livekit_url", "livekit_api_key", "livekit_api_secret") if not getattr(settings, name)]
    if missing:
        print(f"`control` cannot do without {', '.join(name.upper() for name in missing)}", file=sys.stderr)
        return BAD_SETTINGS
    try:
        live = LivePerformance()
    except PerformanceError as error:
        print(error, file=sys.stderr)
        return BAD_SETTINGS
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    async with AsyncExitStack() as stack:
        app = await control_app(stack, settings, await stack.enter_async_context(live))
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=2.0)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        try:
            await web.TCPSite(runner, settings.control_host, settings.control_port).start()
        except OSError as error:
            print(f"CONTROL_PORT: got {settings.control_port}, {error.strerror or error}", file=sys.stderr)
            return CANNOT_START
        log.info("control plane is ready", address=f"http://{settings.control_host}:{runner.addresses[0][1]}")
        await stopped.wait()
    return 0


async def control_app(stack: AsyncExitStack, settings: Settings, live: LivePerformance) -> web.Application:
    """The application, with what it needs opened on `stack`.

    - `POST /door/token`: a token for a caller, see `rooms.door.app`.
    - `POST /webhook`: LiveKit's, see `rooms.webhooks.receiver`.
    - `GET`, `PATCH /api/performance`: the settings, see `rooms.performance.endpoint`.
    - `GET /api/quality`, `GET /api/stats`, `GET /metrics`: what is known, as JSON and for Prometheus.
    - `GET /healthz`: 200 while LiveKit answers, else 503.

    All but `/webhook` and `/healthz` are open to this machine alone, and to who sends CONTROL_TOKEN as a bearer's.
    """
    secret = settings.livekit_api_secret
    key = ApiKey(settings.livekit_api_key or "", secret.get_secret_value() if secret else "")
    optimizer = PerformanceOptimizer([settings.livekit_url or ""], key, live.current)
    await stack.enter_async_context(optimizer)
    stack.callback(live.subscribe(lambda _, new: optimizer.follow(new)))
    hooks = await stack.enter_async_context(Webhooks(key))
    hooks.subscribe(optimizer.limits.on_event)
    registry = prometheus_client.CollectorRegistry()
    registry.register(QualityCollector(optimizer.quality))
    token = settings.control_token.get_secret_value() if settings.control_token else None

    async def allowed(request: web.Request) -> bool:
        return why_not_own(request) is None or (token is not None and has_bearer(request, token))

    async def authenticate(request: web.Request) -> Caller | None:
        return Caller(new_name("caller"), ("*",)) if await allowed(request) else None

    async def stats(request: web.Request) -> web.Response:
        if not await allowed(request):
            raise web.HTTPForbidden
        return web.json_response(optimizer.get_performance_stats(), headers={"Cache-Control": "no-store"})

    async def metrics(request: web.Request) -> web.Response:
        if not await allowed(request):
            raise web.HTTPForbidden
        body = prometheus_client.generate_latest(registry)
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def health(_: web.Request) -> web.Response:
        state = optimizer.pool.stats().state
        return web.json_response({"livekit": state.value}, status=200 if state.value == "connected" else 503)

    app = web.Application()
    app.add_routes(
        [
            web.post(WEBHOOK_PATH, hooks.handle),
            *quality_routes(optimizer.quality, allowed),
            web.get("/api/stats", stats),
            web.get("/metrics", metrics),
            web.get("/healthz", health),
        ]
    )
    app.add_subapp(PERFORMANCE_PATH, performance_app(live, token=token))
    door = door_app(
        settings.livekit_url or "",
        key,
        authenticate=authenticate,
        agent_name=settings.agent_name,
        admission=optimizer.limits,
    )
    app.add_subapp("/door", door)
    return app
