"""What the caller says before anybody can hear it: in a real call whose agent writes down the tones that it hears."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.web.whip_client_page import PAGE
from tests.web.whip_client_site import EAR_RATE_HZ, Agent, WhipSite, page_of

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from sim.livekit_server import LocalLiveKit

pytestmark = [pytest.mark.alone, pytest.mark.desktop]

# Words of 0.3 s, each with a tone of its own: three at once, one after a pause, and one much later.
WORDS = {600: 0.0, 900: 0.35, 1300: 0.7, 1900: 2.2, 2700: 3.6}
WORD_MS = 300
SURE_MS = 50
"""The first sound of a word may look like another's."""
SPEAK = """({ words, lateS, wordS }) => {
  const get = window.fetch;
  window.fetch = async (...given) => {
    await new Promise((go) => setTimeout(go, lateS * 1000));
    return get(...given);
  };
  const output = sounds.createMediaStreamDestination();
  window.microphone = output.stream.getAudioTracks()[0];
  const begin0 = sounds.currentTime + 0.02;
  for (const [hz, at] of words) {
    const tone = new OscillatorNode(sounds, { frequency: hz });
    tone.connect(new GainNode(sounds, { gain: 0.5 })).connect(output);
    tone.start(begin0 + at);
    tone.stop(begin0 + at + wordS);
  }
  return begin({ context: sounds }).open(Promise.resolve(microphone), abort.signal);
}"""


async def words_heard(agent: Agent, last_hz: int) -> dict[int, float]:
    """Milliseconds of each word's tone, in the order in which they came, until the last word is over."""
    all_heard: dict[int, float] = {}
    heard: dict[int, float] = {}
    stream = await agent.heard.get()
    try:
        async for event in stream:
            sound = np.frombuffer(event.frame.data, np.int16).astype(float)
            loud = bool(np.abs(sound).mean() > 1000)
            if not loud and last_hz in heard:
                return heard
            if loud:
                spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 4096))
                hz = float(np.argmax(spectrum)) * EAR_RATE_HZ / 4096
                word = min(WORDS, key=lambda each: abs(each - hz))
                all_heard[word] = all_heard.get(word, 0.0) + 1000 * len(sound) / EAR_RATE_HZ
                if all_heard[word] >= SURE_MS:
                    heard[word] = all_heard[word]
    finally:
        await stream.aclose()
    return heard


@pytest.mark.parametrize("late_s", [0.0, 1.0], ids=["at once", "one second late"])
async def test_nothing_that_is_said_is_lost(browser: Browser, livekit: LocalLiveKit, late_s: float) -> None:
    """Who speaks with the click is heard whole and in order, and by the microphone itself in the end."""
    async with WhipSite(livekit, standby_rooms=1) as site, page_of(browser, site.app()) as page:
        agent = await site.agents.get()
        await page.evaluate(PAGE)
        await page.evaluate("sounds.resume()")
        spoken = {"words": [*WORDS.items()], "lateS": late_s, "wordS": WORD_MS / 1000}
        async with asyncio.TaskGroup() as both:
            both.create_task(page.evaluate(SPEAK, spoken))
            hearing = both.create_task(words_heard(agent, max(WORDS)))
        heard = hearing.result()
        assert list(heard) == list(WORDS)
        assert all(ms >= 0.8 * WORD_MS for ms in heard.values()), heard
        await page.wait_for_function("transport.client.session.sender.track === microphone")
        assert await page.evaluate("transport.early") is None
        await page.evaluate("transport.close(false)")


async def test_who_says_nothing_early_is_sent_directly(browser: Browser, livekit: LocalLiveKit) -> None:
    """The microphone goes to the connection from the beginning, and nothing of the holding is left."""
    async with WhipSite(livekit, standby_rooms=1) as site, page_of(browser, site.app()) as page:
        await page.evaluate(PAGE)
        await page.evaluate(SPEAK, {"words": [], "lateS": 0, "wordS": 0})
        direct = "transport.client.session.sender.track === microphone"
        assert await page.evaluate(direct)
        await page.wait_for_function("transport.early === null")
        assert await page.evaluate(direct)
        await page.evaluate("transport.close(false)")
