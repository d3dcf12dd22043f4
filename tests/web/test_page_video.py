"""What the agent shows, on the page: a picture while there is one, with words for those who do not see it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc
from playwright.async_api import expect

from tests.rooms.wire_worker import WireWorker
from tests.web.page_driver import WAIT_MS, faults, opened, shot, state
from tests.web.page_server import AGENT

if TYPE_CHECKING:
    from livekit.protocol.agent import JobAssignment
    from playwright.async_api import Browser, Page

    from sim.livekit_server import LocalLiveKit
    from tests.web.page_server import PageServer

GREEN = (20, 180, 40, 255)
WIDTH, HEIGHT = 320, 180
AGAIN_S = 0.2

# What stands in the middle of the picture: red, green and blue.
MIDDLE = """() => {
  const video = document.getElementById("picture-video");
  if (video.videoWidth === 0) return null;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  const context = canvas.getContext("2d");
  context.drawImage(video, 0, 0);
  return [...context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].slice(0, 3);
}"""


@dataclass
class ShowingAgent:
    """Speaks nothing, and shows a green picture while `showing` is set."""

    url: str
    showing: asyncio.Event = field(default_factory=asyncio.Event)

    async def call(self, assignment: JobAssignment) -> None:
        """What a worker does with a job."""
        room = rtc.Room()
        gone = asyncio.Event()
        room.on("participant_disconnected", lambda _: gone.set())  # pyright: ignore[reportUnknownLambdaType] - untyped emitter
        await room.connect(self.url, assignment.token)
        source = rtc.AudioSource(48_000, 1)
        voice = rtc.LocalAudioTrack.create_audio_track("agent", source)
        await room.local_participant.publish_track(voice)
        picture = asyncio.create_task(self._show(room))
        try:
            await gone.wait()
        finally:
            picture.cancel()
            await asyncio.gather(picture, return_exceptions=True)
            await room.disconnect()

    async def _show(self, room: rtc.Room) -> None:
        await self.showing.wait()
        source = rtc.VideoSource(WIDTH, HEIGHT)
        track = rtc.LocalVideoTrack.create_video_track("page", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_SCREENSHARE, simulcast=False)
        published = await room.local_participant.publish_track(track, options)
        pixels = np.tile(np.array(GREEN, np.uint8), (HEIGHT, WIDTH, 1)).tobytes()
        frame = rtc.VideoFrame(WIDTH, HEIGHT, rtc.VideoBufferType.RGBA, pixels)
        while self.showing.is_set():
            source.capture_frame(frame)
            await asyncio.sleep(AGAIN_S)
        await room.local_participant.unpublish_track(published.sid)


def worker(livekit: LocalLiveKit, agent: ShowingAgent) -> WireWorker:
    return WireWorker(livekit.url, livekit.api_key, livekit.api_secret, AGENT, agent.call)


async def talk(page: Page) -> None:
    await page.locator("#talk").click()
    # The agent has seen the caller: it ends when they leave.
    await page.wait_for_function("() => window.firstword.timings.agent_track_ms !== null", timeout=WAIT_MS)


async def test_the_agents_picture_is_on_the_page_while_there_is_one(
    browser: Browser, page_server: PageServer, livekit: LocalLiveKit
) -> None:
    """Hidden before; then the frames are seen, labelled and announced, without faults; hidden again when it is gone."""
    agent = ShowingAgent(livekit.url)
    async with opened(browser, page_server) as page, worker(livekit, agent) as wire:
        section = page.get_by_role("region", name="What the agent shows")
        await talk(page)
        await expect(page.locator("#picture")).to_be_hidden()
        agent.showing.set()
        await expect(section).to_be_visible(timeout=WAIT_MS)
        label = "Picture of the agent, without sound. What matters in it is also said."
        await expect(page.locator("#picture-video")).to_have_attribute("aria-label", label)
        await expect(page.locator("#status-aloud")).to_have_text("The agent shows a picture.")
        await page.wait_for_function(f"() => ({MIDDLE})() !== null", timeout=WAIT_MS)
        await page.wait_for_function(
            f"wanted => ({MIDDLE})().every((value, at) => Math.abs(value - wanted[at]) < 40)",
            arg=list(GREEN[:3]),
            timeout=WAIT_MS,
        )
        assert await faults(page) == []
        await shot(page, "light-picture")
        # With a keyboard alone; what has the focus is not taken away with it.
        await page.get_by_role("button", name="Full screen").focus()
        agent.showing.clear()
        await expect(page.locator("#picture")).to_be_hidden(timeout=WAIT_MS)
        await expect(page.locator("#talk")).to_be_focused()
        await page.locator("#talk").click()
        await state(page, "ended")
        await asyncio.wait_for(asyncio.gather(*wire.tasks), WAIT_MS / 1000)


async def test_the_picture_ends_with_the_call(browser: Browser, page_server: PageServer, livekit: LocalLiveKit) -> None:
    """After hanging up nothing is left of it, in Arabic too; the next call begins without one."""
    agent = ShowingAgent(livekit.url)
    agent.showing.set()
    async with opened(browser, page_server, "/?lang=ar") as page, worker(livekit, agent) as wire:
        await talk(page)
        await expect(page.get_by_role("region", name="ما يعرضه المساعد")).to_be_visible(timeout=WAIT_MS)
        await expect(page.get_by_role("button", name="ملء الشاشة")).to_be_visible()
        agent.showing.clear()
        await page.locator("#talk").click()
        await state(page, "ended")
        await expect(page.locator("#picture")).to_be_hidden()
        assert await page.evaluate("document.getElementById('picture-video').srcObject") is None
        await talk(page)
        await expect(page.locator("#picture")).to_be_hidden()
        await page.locator("#talk").click()
        await state(page, "ended")
        await asyncio.wait_for(asyncio.gather(*wire.tasks), WAIT_MS / 1000)
