"""An empty page of the page's server's kind, for tests of the library's sound without a call around it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from tests.web.page_server import PAGE_STATIC, serve

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser, Page

# What plays into a track, so that a test knows each sample: all on one audio clock.
TONES = """
window.Tones = class {
  constructor() { this.context = new AudioContext({ sampleRate: 48000 }); }
  // a silent track, until play([[begin s, end s, amplitude = 0.5], ...], from a time of the context)
  silent() {
    const destination = new MediaStreamAudioDestinationNode(this.context, { channelCount: 1 });
    const play = (spans, at = this.context.currentTime + 0.1) => {
      for (const [begin, end, amplitude = 0.5] of spans) {
        const tone = new OscillatorNode(this.context, { frequency: 1000 });
        tone.connect(new GainNode(this.context, { gain: amplitude })).connect(destination);
        tone.start(at + begin);
        tone.stop(at + end);
      }
    };
    return { track: destination.stream.getAudioTracks()[0], play };
  }
  track(spans) {
    const { track, play } = this.silent();
    play(spans);
    return track;
  }
};
"""


async def _blank(_: web.Request) -> web.Response:
    return web.Response(text="<!doctype html><title>sound</title>", content_type="text/html")


@asynccontextmanager
async def sound_page(browser: Browser) -> AsyncGenerator[Page]:
    """A page at whose `/static/firstword.js` the library is; at the end it must not have thrown anything."""
    app = web.Application()
    app.router.add_get("/", _blank)
    app.router.add_static("/static", PAGE_STATIC)
    async with serve(app) as server:
        context = await browser.new_context()
        thrown: list[str] = []
        page = await context.new_page()
        page.on("pageerror", lambda error: thrown.append(str(error)))
        await page.add_init_script(TONES)
        try:
            await page.goto(server.url)
            yield page
            assert thrown == []
        finally:
            await context.close()
