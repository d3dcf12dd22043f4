"""Rooms in which somebody is already sending, held by a process of their own: `python -m bench.first_word.sounding`.

In the callers' process each of them would cost the callers time, and the floor would be told too high.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from aiohttp import web

from bench.workers import Announced
from sim.caller import CallerError
from sim.publisher import FloorPublisher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

READY_PREFIX = "sounding.ready "
HOST = "127.0.0.1"
PUBLISHERS: web.AppKey[dict[str, FloorPublisher]] = web.AppKey("publishers", dict)


class SoundingRooms(Announced):
    """The process; entering it returns its address. See `build_app` for what it answers."""

    def __init__(self) -> None:
        super().__init__("sounding rooms", READY_PREFIX, ["-m", "bench.first_word.sounding"])


def build_app() -> web.Application:
    """`PUT /<room>` with `{"url", "token"}`: somebody joins and sends. `DELETE /<room>`: and leaves."""

    async def publishers(app: web.Application) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            app[PUBLISHERS] = {}
            yield
            for publisher in app[PUBLISHERS].values():
                stack.push_async_exit(publisher)

    async def begin(request: web.Request) -> web.Response:
        told = await request.json()
        publisher = FloorPublisher(told["url"], told["token"])
        try:
            await publisher.__aenter__()
        except CallerError as error:
            return web.Response(status=502, text=str(error))
        request.app[PUBLISHERS][request.match_info["room"]] = publisher
        return web.Response()

    async def end(request: web.Request) -> web.Response:
        publisher = request.app[PUBLISHERS].pop(request.match_info["room"], None)
        if publisher is None:
            return web.Response(status=404, text="nobody is sending there")
        await publisher.__aexit__(None, None, None)
        return web.Response()

    app = web.Application()
    app.cleanup_ctx.append(publishers)
    app.add_routes([web.put("/{room}", begin), web.delete("/{room}", end)])
    return app


async def main() -> None:
    """Serves until it is ended."""
    runner = web.AppRunner(build_app(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, HOST, 0).start()
        print(f"{READY_PREFIX}http://{HOST}:{runner.addresses[0][1]}", flush=True)
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
