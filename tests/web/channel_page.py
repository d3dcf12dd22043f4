"""An empty page with the library, and the channel's real service end beside it, answered by a function."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web
from livekit import api

from rooms.channel.endpoint import PATH, Channel
from rooms.channel.session import ChannelLimits
from rooms.tokens import ApiKey, caller_token
from tests.web.page_server import PAGE_STATIC, serve

if TYPE_CHECKING:
    from playwright.async_api import Page

    from rooms.channel.session import Caller

KEY = ApiKey("key", "secret-of-the-channel-tests-0123456789")
QUICK = ChannelLimits(resend_s=0.03, ack_delay_s=0.005, close_s=0.5, burst=100_000)
Answer = Callable[[str], AsyncGenerator[str]]

# In the page: `connect(url, token, options)` gives a channel, and what happened to it is kept in `window.told`.
PRELUDE = """
async () => {
  const { AiClient, ControlChannel } = await import("/static/firstword.js");
  window.told = [];
  window.bodies = [];
  window.connect = (url, token, options, aiOptions) => {
    const channel = new ControlChannel(url, token, {
      resendMs: 60, ackDelayMs: 5, helloMs: 60, firstDelayMs: 20, longestDelayMs: 100, connectMs: 3000, ...options,
    });
    channel.on({
      state: (state, end, words) => window.told.push({ state, end, words }),
      message: (body) => window.bodies.push(body),
    });
    window.channel = channel;
    window.ai = new AiClient(channel, aiOptions);
    return channel;
  };
}
"""


class Answering:
    """Answers by a function; `asked` is each text that came, `open` how many answers are being given."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self.asked: list[str] = []
        self.open = 0
        self.closed: list[str] = []

    def __call__(self, _caller: Caller) -> Answering:
        return self

    async def answer(self, text: str) -> AsyncGenerator[str]:
        self.asked.append(text)
        self.open += 1
        try:
            async for part in self._answer(text):
                yield part
        finally:
            self.open -= 1
            self.closed.append(text)

    async def aclose(self) -> None:
        """Nothing outlives an answer."""


class ChannelServer:
    def __init__(self, url: str, channel: Channel, answering: Answering) -> None:
        self.url = url
        self.channel = channel
        self.answering = answering

    @property
    def channel_url(self) -> str:
        return self.url + PATH


@asynccontextmanager
async def channel_server(answer: Answer, *, limits: ChannelLimits = QUICK) -> AsyncGenerator[ChannelServer]:
    async def blank(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>channel</title>", content_type="text/html")

    answering = Answering(answer)
    async with Channel(KEY, answering, limits=limits, entry_rates=["9999/second"]) as channel:
        app = web.Application()
        app.add_routes([web.get("/", blank), web.static("/static", PAGE_STATIC), *channel.routes()])

        async def stop(_: web.Application) -> None:
            await channel.aclose()

        app.on_shutdown.append(stop)
        async with serve(app) as server:
            yield ChannelServer(server.url, channel, answering)


def token(identity: str = "ada", *, room: str = "room", key: ApiKey = KEY, **options: Any) -> str:
    return caller_token(key, room=room, identity=identity, **options)


def token_without_room() -> str:
    return api.AccessToken(KEY.key, KEY.secret).with_identity("ada").with_grants(api.VideoGrants()).to_jwt()


async def open_page(page: Page, url: str) -> None:
    await page.goto(url)
    await page.evaluate(PRELUDE)


async def reversed_words(text: str) -> AsyncGenerator[str]:
    """The text's words from last to first, a part each, with a turn of the loop between them."""
    for word in reversed(text.split()):
        await asyncio.sleep(0)
        yield word + " "


def reversed_text(text: str) -> str:
    return "".join(f"{word} " for word in reversed(text.split()))
