"""The page holds the agent's sound back as long as the agent says: seen in the browser's own statistics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from livekit import rtc

from rooms.performance.sections import AudioConfig
from rooms.quality.call_link import ParticipantQuality, RoomQuality
from rooms.quality.link_word import link_word, tell
from sim.livekit_server import LocalLiveKit
from sim.publisher import tone
from tests.rooms.wire_worker import WireWorker
from tests.web.page_server import AGENT, PAGE_STATIC, serve
from web.server import page_app

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from livekit.protocol.agent import JobAssignment
    from playwright.async_api import Browser, Page

WAIT_MS = 20_000
RATE_HZ = 48_000
QUALITY = RoomQuality("r", (ParticipantQuality("ada", False, "poor", 0.2, 60.0, 300.0, 0.2, "poor"),), 0.2, "poor", 0.8)
KEEP_PEERS = """
const Peer = RTCPeerConnection;
window.peers = [];
window.RTCPeerConnection = class extends Peer {
  constructor(...given) { super(...given); window.peers.push(this); }
};
"""
HELD_MS = """async () => {
  let held = null;
  for (const peer of window.peers) for (const stats of (await peer.getStats()).values()) {
    if (stats.type !== "inbound-rtp" || stats.kind !== "audio") continue;
    const { jitterBufferTargetDelay: target, jitterBufferEmittedCount: emitted } = stats;
    const before = window.before ?? { target: 0, emitted: 0 };
    window.before = { target, emitted };
    if (emitted > before.emitted) held = 1000 * (target - before.target) / (emitted - before.emitted);
  }
  return held;
}"""


def speaking_agent(url: str, say: asyncio.Queue[str]) -> Callable[[JobAssignment], Awaitable[None]]:
    """Sounds without a pause, and tells each word that it is given until it is an empty one."""

    async def call(assignment: JobAssignment) -> None:
        room = rtc.Room()
        await room.connect(url, assignment.token)
        source = rtc.AudioSource(RATE_HZ, 1)
        sounding = asyncio.create_task(_sound(source))
        try:
            track = rtc.LocalAudioTrack.create_audio_track("agent", source)
            options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
            await room.local_participant.publish_track(track, options)
            while word := await say.get():
                assert await tell(room, word)
        finally:
            sounding.cancel()
            await asyncio.gather(sounding, return_exceptions=True)
            await source.aclose()
            await room.disconnect()

    return call


async def _sound(source: rtc.AudioSource) -> None:
    second = tone(1000, RATE_HZ)
    while True:
        for part in second.reshape(-1, RATE_HZ // 20):
            await source.capture_frame(rtc.AudioFrame(part.tobytes(), RATE_HZ, 1, len(part)))


async def held_ms(page: Page, wanted: Callable[[float], bool]) -> None:
    """Waits until the browser means to hold back what is wanted."""
    async with asyncio.timeout(20):
        while True:
            held = await page.evaluate(HELD_MS)
            if held is not None and wanted(held):
                return
            await asyncio.sleep(0.3)


async def test_the_page_holds_sound_back_as_it_is_told(browser: Browser) -> None:
    """More while the network is strained, and no more than usual after it."""
    strained_ms = 400
    say: asyncio.Queue[str] = asyncio.Queue()
    async with LocalLiveKit() as livekit:
        app = page_app(
            livekit_url=livekit.url,
            api_key=livekit.api_key,
            api_secret=livekit.api_secret,
            agent_name=AGENT,
            static=PAGE_STATIC,
        )
        worker = WireWorker(livekit.url, livekit.api_key, livekit.api_secret, AGENT, speaking_agent(livekit.url, say))
        async with worker, serve(app) as server:
            context = await browser.new_context()
            page = await context.new_page()
            await page.add_init_script(KEEP_PEERS)
            await page.goto(server.url)
            await page.click("#talk")
            await page.wait_for_function("() => window.firstword.timings.first_word_ms !== null", timeout=WAIT_MS)
            await held_ms(page, lambda held: held < 0.9 * strained_ms)
            say.put_nowait(link_word("strained", strained_ms, QUALITY))
            await held_ms(page, lambda held: held >= 0.99 * strained_ms)
            say.put_nowait(link_word("usual", AudioConfig().target_latency_ms, QUALITY))
            await held_ms(page, lambda held: held < 0.9 * strained_ms)
            say.put_nowait("")
            await context.close()
