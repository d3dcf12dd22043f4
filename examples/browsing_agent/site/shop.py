"""The garden shop's server, on a free port of 127.0.0.1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, cast

from aiohttp import web

from examples.browsing_agent.site import pages
from examples.browsing_agent.site.goods import FACTS, GOODS, searched

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

HOST = "127.0.0.1"
MAX_ORDERS = 100
HTML = "text/html"


class GardenShop:
    """`async with GardenShop() as shop`: it is open at `shop.url`, and `orders` are the forms that were sent to it."""

    def __init__(self) -> None:
        self.orders: list[dict[str, str]] = []
        self.url = ""
        self._number = 0
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes(
            [
                web.get("/", _shows(pages.home)),
                web.get("/goods", _shows(pages.all_goods)),
                web.get("/guestbook", _shows(pages.guestbook)),
                web.get("/goods/{key}", self._good),
                web.get("/search", self._search),
                web.get("/order", self._order_form),
                web.post("/order", self._order),
                *(web.get(path, _shows(lambda path=path: pages.facts(path))) for path in {fact.path for fact in FACTS}),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self.url = f"http://{HOST}:{cast('tuple[str, int]', self._runner.addresses[0])[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _good(self, request: web.Request) -> web.Response:
        found = next((good for good in GOODS if good.key == request.match_info["key"]), None)
        if found is None:
            raise web.HTTPNotFound(text=pages.page("Not found", "<p>We do not sell that.</p>"), content_type=HTML)
        return web.Response(text=pages.good(found), content_type=HTML)

    async def _search(self, request: web.Request) -> web.Response:
        words = request.query.get("q", "")
        return web.Response(text=pages.results(words, searched(words)), content_type=HTML)

    async def _order_form(self, request: web.Request) -> web.Response:
        wish = next((good.name for good in GOODS if good.key == request.query.get("what")), "")
        return web.Response(text=pages.order(wish), content_type=HTML)

    async def _order(self, request: web.Request) -> web.Response:
        self._number += 1
        sent = {name: str(value) for name, value in (await request.post()).items()}
        # It may run for weeks beside a worker: the oldest go.
        self.orders = [*self.orders, sent][-MAX_ORDERS:]
        return web.Response(text=pages.ordered(self._number, sent), content_type=HTML)


def _shows(html: Callable[[], str]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def show(_: web.Request) -> web.Response:
        return web.Response(text=html(), content_type=HTML)

    return show
