"""A site on 127.0.0.1 for tests of the browser: each page that a test gives it has a path of its own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

WAIT_S = 30.0


class BrowsingSite:
    def __init__(self) -> None:
        self.port = 0
        self.asked: list[str] = []
        self._answers: dict[str, Answer] = {}

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def page(self, body: str, *, headers: dict[str, str] | None = None) -> str:
        """The URL of a page of this body."""

        async def answer(_: web.BaseRequest) -> web.Response:
            return web.Response(text=f"<!doctype html>{body}", content_type="text/html", headers=headers)

        return self.answered(answer)

    def answered(self, answer: Answer) -> str:
        path = f"/{len(self._answers)}"
        self._answers[path] = answer
        return f"http://{self.host}{path}"

    def redirect(self, target: str) -> str:
        async def answer(_: web.BaseRequest) -> web.Response:
            return web.Response(status=302, headers={"Location": target})

        return self.answered(answer)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        found = self._answers.get(request.path)
        return await found(request) if found else web.Response(status=404, text="nothing here")


@asynccontextmanager
async def serving() -> AsyncGenerator[BrowsingSite]:
    site = BrowsingSite()
    server = web.Server(site.handle)
    runner = web.ServerRunner(server, shutdown_timeout=0.1)
    await runner.setup()
    tcp = web.TCPSite(runner, "127.0.0.1", 0)
    await tcp.start()
    site.port = runner.addresses[0][1]
    try:
        yield site
    finally:
        await runner.cleanup()


async def until(true: Callable[[], bool], what: str) -> None:
    """Polls what gives no event. Fails with `what`."""
    try:
        async with asyncio.timeout(WAIT_S):
            while not true():
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {WAIT_S:g} s: {what}") from None
