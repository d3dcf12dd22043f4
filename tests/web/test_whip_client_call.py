"""WhipTransport in Chromium, through the template's own way in, with a real livekit-server and an agent that comes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.web.whip_client_page import HEARS, OPEN, PAGE, hears_tone, is_tone, loudness, names, until_told
from tests.web.whip_client_site import WhipSite, page_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc
    from playwright.async_api import Browser

    from sim.livekit_server import LocalLiveKit


async def test_a_call_in_both_directions(browser: Browser, livekit: LocalLiveKit) -> None:
    """Both hear each other, the words arrive as words, and after the end nobody is left."""
    async with WhipSite(livekit) as site, page_of(browser, site.app()) as page:
        await page.evaluate(PAGE)
        joined = await page.evaluate(OPEN)
        agent = await site.agents.get()
        assert set(joined) == {"room", "identity", "token"}
        assert joined["room"] == agent.room.name
        await page.wait_for_function(HEARS)
        await page.evaluate("gate.value = 1")
        await hears_tone(agent, 600)
        hello = json.loads(await agent.data.get())
        assert hello == {"topic": "firstword.listening"}
        line = {"segment": "SG_1", "who": "agent", "text": "Hello", "final": True}
        await agent.tell({"topic": "lk.transcription", **line})
        assert (await until_told(page, "words"))[1] == line
        for other in ({"topic": "of somebody else"}, [], {"topic": "lk.transcription", "text": 5}):
            await agent.tell(other)
        await agent.tell({"topic": "firstword.timeline", "message": '{"v": 1}'})
        assert (await until_told(page, "timeline"))[1] == '{"v": 1}'
        assert await names(page) == ["agentTrack", "words", "timeline"]
        steps = [step for name, step in await page.evaluate("told") if name == "step"]
        assert steps == ["posted", "answered", "connected"]
        await page.evaluate("transport.close(false)")
        assert await agent.left.get() == joined["identity"]
        assert await page.evaluate("transport.stats()") is None
        assert "closed" not in await names(page)


async def test_opus_goes_out_in_packets_of_ten_ms(browser: Browser, livekit: LocalLiveKit) -> None:
    """About a hundred packets a second while the caller sounds, and FEC and DTX agreed on."""
    packets = """async () => {
      const all = [...(await transport.stats()).values()];
      const { packetsSent, timestamp, codecId } = all.find(({ type }) => type === "outbound-rtp");
      return { packetsSent, timestamp, fmtp: all.find(({ id }) => id === codecId).sdpFmtpLine };
    }"""
    async with WhipSite(livekit) as site, page_of(browser, site.app()) as page:
        await page.evaluate(PAGE)
        await page.evaluate(OPEN)
        await page.evaluate("gate.value = 1")
        agent = await site.agents.get()
        await hears_tone(agent, 600)
        begin = await page.evaluate(packets)
        # A promise is a yes to wait_for_function.
        while (end := await page.evaluate(packets))["packetsSent"] < begin["packetsSent"] + 150:
            await page.evaluate("new Promise((next) => setTimeout(next, 100))")
        rate = 1000 * (end["packetsSent"] - begin["packetsSent"]) / (end["timestamp"] - begin["timestamp"])
        assert 75 < rate < 125
        assert "useinbandfec=1" in end["fmtp"]
        assert "usedtx=1" in end["fmtp"]
        await page.evaluate("transport.close(false)")


async def test_a_late_microphone_holds_nothing_up(browser: Browser, livekit: LocalLiveKit) -> None:
    """The agent is heard while the browser still asks for the microphone, and hears the caller afterwards."""
    async with WhipSite(livekit) as site, page_of(browser, site.app()) as page:
        await page.evaluate(PAGE)
        await page.evaluate(
            """() => {
              const later = new Promise((resolve) => (window.give = () => resolve(sends(900))));
              window.opening = begin().open(later, abort.signal);
            }"""
        )
        await page.wait_for_function(HEARS)
        await page.evaluate("async () => { give(); await opening; gate.value = 1; }")
        await hears_tone(await site.agents.get(), 900)
        await page.evaluate("transport.close(false)")


async def test_without_a_microphone_there_is_no_call(browser: Browser, livekit: LocalLiveKit) -> None:
    """The failure is the microphone's, and nobody is left in the room."""
    async with WhipSite(livekit) as site, page_of(browser, site.app()) as page:
        await page.evaluate(PAGE)
        await page.evaluate(
            """() => {
              const later = new Promise((_, reject) => {
                window.refuse = () => reject(new DOMException("", "NotAllowedError"));
              });
              window.opening = begin().open(later, abort.signal).then(() => "open", ({ code }) => code);
            }"""
        )
        agent = await site.agents.get()
        await page.wait_for_function(HEARS)
        await page.evaluate("refuse()")
        assert await page.evaluate("opening") == "microphone-blocked"
        await agent.left.get()


async def test_muted_and_another_microphone(browser: Browser, livekit: LocalLiveKit) -> None:
    """Nothing is heard while muted, not of a new microphone either; that one is heard afterwards."""
    async with WhipSite(livekit) as site, page_of(browser, site.app()) as page:
        await page.evaluate(PAGE)
        await page.evaluate(OPEN)
        agent = await site.agents.get()
        await page.evaluate("gate.value = 1")
        stream = await agent.heard.get()
        waits: list[Callable[[rtc.AudioFrame], bool]] = [
            lambda frame: is_tone(frame, 600),
            lambda frame: loudness(frame) < 50,
            lambda frame: is_tone(frame, 1200),
        ]
        steps = [
            "transport.setMuted(true)",
            """async () => {
              await transport.replaceMicrophone(sends(1200));
              gate.value = 1;
              await transport.setMuted(false);
            }""",
        ]
        try:
            async for event in stream:
                if waits[0](event.frame):
                    waits.pop(0)
                    if not waits:
                        break
                    await page.evaluate(steps.pop(0))
        finally:
            await stream.aclose()
        muted = """async () => {
          await transport.setMuted(true);
          const next = sends(900);
          await transport.replaceMicrophone(next);
          return next.enabled;
        }"""
        assert not await page.evaluate(muted)
        await page.evaluate("transport.close(false)")
