"""The page treats the microphone as its room says: seen in what the browser did with its track."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from rooms.performance.sections import AudioConfig
from tests.rooms.wire_worker import WireWorker
from tests.web.page_server import AGENT, PAGE_STATIC, serve
from tests.web.test_playout import speaking_agent
from web.server import page_app

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from sim.livekit_server import LocalLiveKit

WAIT_MS = 20_000
KEEP_TRACKS = """
window.asked = [];
const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (constraints) => {
  const stream = await open(constraints);
  const { echoCancellation, noiseSuppression, autoGainControl } = stream.getAudioTracks()[0].getSettings();
  window.asked.push([echoCancellation, noiseSuppression, autoGainControl]);
  return stream;
};
"""
USUAL = [True, True, True]


@pytest.mark.parametrize(
    ("audio", "opened"),
    [
        (None, [USUAL]),
        (AudioConfig(), [USUAL]),
        (AudioConfig(noise_suppression=False, auto_gain_control=False), [USUAL, [True, False, False]]),
        (AudioConfig(echo_cancellation=False), [USUAL, [False, True, True]]),
    ],
    ids=["nothing said", "as it is", "no suppression, no gain", "no cancellation"],
)
async def test_the_microphone_is_as_the_room_says(
    livekit: LocalLiveKit, browser: Browser, audio: AudioConfig | None, opened: list[list[bool]]
) -> None:
    """Opened once more where that differs from what it was opened with, before the room was known; the call goes on."""
    say: asyncio.Queue[str] = asyncio.Queue()
    app = page_app(
        livekit_url=livekit.url,
        api_key=livekit.api_key,
        api_secret=livekit.api_secret,
        agent_name=AGENT,
        audio=audio,
        static=PAGE_STATIC,
    )
    worker = WireWorker(livekit.url, livekit.api_key, livekit.api_secret, AGENT, speaking_agent(livekit.url, say))
    async with worker, serve(app) as server:
        context = await browser.new_context()
        page = await context.new_page()
        await page.add_init_script(KEEP_TRACKS)
        await page.goto(server.url)
        await page.click("#talk")
        await page.wait_for_function("() => window.firstword.timings.first_word_ms !== null", timeout=WAIT_MS)
        # In between there may be one that the browser did not give as it was asked for.
        as_wanted = "last => `${window.asked.at(-1)}` === `${last}`"
        await page.wait_for_function(as_wanted, arg=opened[-1], timeout=WAIT_MS)
        asked = await page.evaluate("() => window.asked")
        assert asked[0] == USUAL
        assert len(opened) <= len(asked) <= len(opened) + 1
        say.put_nowait("")
        await context.close()
