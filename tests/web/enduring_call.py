"""A call to which something is to happen: begun, looked at afterwards, and nobody left behind."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from livekit import api
from playwright.async_api import expect

from tests.rooms.wire_worker import WireWorker
from tests.web.page_server import AGENT, PAGE_STATIC, serve
from tests.web.present_agent import PresentAgent
from web.server import page_app

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from playwright.async_api import Browser, Page, Route

    from sim.livekit_server import LocalLiveKit

WAIT_MS = 30_000
TRANSPORTS = ("livekit", "whip")
# The browser's own sum of what was heard: it grows only while something sounds. And a microphone that can be unplugged.
WATCH = """
window.peers = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...options) { super(...options); window.peers.push(this); }
};
window.sounds = async () => {
  const before = await window.energy();
  while ((await window.energy()) < before + 0.02) await new Promise((over) => setTimeout(over, 50));
};
window.energy = async () => {
  let energy = 0;
  for (const peer of window.peers)
    for (const report of (await peer.getStats()).values())
      if (report.type === "inbound-rtp" && report.kind === "audio") energy += report.totalAudioEnergy ?? 0;
  return energy;
};
window.opened = [];
window.devices = true;
const media = navigator.mediaDevices;
const [open, list] = [media.getUserMedia.bind(media), media.enumerateDevices.bind(media)];
media.getUserMedia = async (constraints) => {
  if (!window.devices) throw new DOMException("Requested device not found", "NotFoundError");
  const stream = await open(constraints);
  window.opened.push(...stream.getAudioTracks());
  return stream;
};
media.enumerateDevices = async () => (await list()).filter(({ kind }) => window.devices || kind !== "audioinput");
window.unplug = (another) => {
  window.devices = another;
  for (const track of window.opened) {
    if (track.readyState === "ended") continue;
    track.stop();
    track.dispatchEvent(new Event("ended"));
  }
  media.dispatchEvent(new Event("devicechange"));
};
window.plugIn = () => {
  window.devices = true;
  media.dispatchEvent(new Event("devicechange"));
};
window.hide = (hidden) => {
  Object.defineProperty(document, "visibilityState", { configurable: true, value: hidden ? "hidden" : "visible" });
  Object.defineProperty(document, "hidden", { configurable: true, value: hidden });
  document.dispatchEvent(new Event("visibilitychange"));
};
"""


@asynccontextmanager
async def clicked(
    browser: Browser,
    livekit: LocalLiveKit,
    transport: str,
    *,
    url: str | None = None,
    ticket: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
) -> AsyncGenerator[tuple[Page, PresentAgent]]:
    """A page that has just been told to talk. `url`: LiveKit's for the caller; `ticket`: what becomes of each one."""
    app = page_app(
        livekit_url=url or livekit.url,
        api_key=livekit.api_key,
        api_secret=livekit.api_secret,
        agent_name=AGENT,
        static=PAGE_STATIC,
    )
    agent = PresentAgent(livekit.url)
    worker = WireWorker(livekit.url, livekit.api_key, livekit.api_secret, AGENT, agent.answer)

    async def change(route: Route) -> None:
        assert ticket is not None
        answer = await route.fetch()
        await route.fulfill(response=answer, body=json.dumps(ticket(await answer.json())))

    async with worker, serve(app) as server:
        context = await browser.new_context()
        try:
            page = await context.new_page()
            await page.add_init_script(WATCH)
            if ticket is not None:
                await page.route("**/api/token", change)
            await page.goto(f"{server.url}/?transport={transport}")
            await page.get_by_role("button", name="Talk").click()
            yield page, agent
        finally:
            await context.close()


@asynccontextmanager
async def calling(
    browser: Browser, livekit: LocalLiveKit, transport: str, **options: Any
) -> AsyncGenerator[tuple[Page, PresentAgent]]:
    """A page in a call in which both hear each other."""
    async with clicked(browser, livekit, transport, **options) as (page, agent):
        await page.wait_for_function("() => firstword.timings.first_word_ms !== null", timeout=WAIT_MS)
        await agent.hears()
        yield page, agent


async def goes_on(page: Page, agent: PresentAgent) -> None:
    """Both hear each other from now on, and the page has nothing to complain of."""
    async with asyncio.timeout(WAIT_MS / 1000):
        await page.evaluate("sounds()")
    await agent.hears()
    await expect(page.locator("#notice")).to_be_hidden(timeout=WAIT_MS)
    assert await page.evaluate("firstword.state") == "live"


async def hang_up(page: Page, livekit: LocalLiveKit, *rooms: str) -> None:
    """By the button; then no caller is left in these rooms."""
    await page.get_by_role("button", name="Hang up").click()
    await page.wait_for_function("() => firstword.state === 'ended'", timeout=WAIT_MS)
    await nobody_left(livekit, *rooms)


async def nobody_left(livekit: LocalLiveKit, *rooms: str) -> None:
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
        for room in rooms:
            while await _callers(lk, room):  # LiveKit tells nobody
                await asyncio.sleep(0.1)


async def _callers(lk: api.LiveKitAPI, room: str) -> list[str]:
    try:
        people = (await lk.room.list_participants(api.ListParticipantsRequest(room=room))).participants
    except api.ServerError as error:
        if error.code != api.ServerErrorCode.NOT_FOUND:
            raise
        return []
    return [person.identity for person in people if person.kind != api.ParticipantInfo.Kind.AGENT]
