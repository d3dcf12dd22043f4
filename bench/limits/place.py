"""Servers of one's own, so that nobody else's rooms are counted."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from livekit import api

from sim.livekit_server import LocalLiveKit, Webhook

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable


@asynccontextmanager
async def own_livekit() -> AsyncGenerator[tuple[LocalLiveKit, api.LiveKitAPI]]:
    """A server without any room, for whoever counts them."""
    async with (
        LocalLiveKit() as livekit,
        api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk,
    ):
        yield livekit, lk


@asynccontextmanager
async def telling_livekit(
    on_event: Callable[[api.WebhookEvent], Awaitable[None]],
) -> AsyncGenerator[tuple[LocalLiveKit, api.LiveKitAPI]]:
    """One of its own whose webhooks go to `on_event`."""
    receiver: list[api.WebhookReceiver] = []

    async def take(request: web.Request) -> web.Response:
        await on_event(receiver[0].receive(await request.text(), request.headers["Authorization"]))
        return web.Response()

    app = web.Application()
    app.router.add_post("/webhook", take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/webhook"
        async with LocalLiveKit(webhook=Webhook([url])) as livekit:
            receiver.append(api.WebhookReceiver(api.TokenVerifier(livekit.api_key, livekit.api_secret)))
            async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
                yield livekit, lk
    finally:
        await runner.cleanup()


async def room_names(lk: api.LiveKitAPI) -> list[str]:
    return sorted(room.name for room in (await lk.room.list_rooms(api.ListRoomsRequest())).rooms)
