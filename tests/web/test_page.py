"""The page in Chromium, with a real livekit-server and an agent that a real dispatch brings."""

from __future__ import annotations

import asyncio
import math
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest
from livekit import api
from playwright.async_api import expect

from sim.livekit_server import LocalLiveKit
from tests.web.browser import chromium
from tests.web.page_driver import SHOTS, WAIT_MS, app_for, faults, heard, opened, shot, state, worker
from tests.web.page_server import AGENT, PAGE_STATIC, PageServer, serve
from web.server import page_app

if TYPE_CHECKING:
    from playwright.async_api import Browser


# The agent speaks for a second: a gauge that is looked at later stands still again.
WATCH_GAUGES = """() => {
  window.moved = new Set();
  for (const id of ["level-caller", "level-agent"]) {
    const gauge = document.getElementById(id);
    const look = () => parseFloat(gauge.style.getPropertyValue("--level")) > 0 && window.moved.add(id);
    new MutationObserver(look).observe(gauge, { attributes: true });
  }
}"""


def rounded(ms: float) -> str:
    """Halves go up, as in JavaScript."""
    return f"{math.floor(ms + 0.5):,}"


async def test_a_call_from_talk_to_hang_up(browser: Browser, page_server: PageServer, livekit: LocalLiveKit) -> None:
    """The caller hears the agent, reads both sides, sees each timeline; Hang up ends the agent's job too."""
    async with opened(browser, page_server) as page, worker(livekit) as wire:
        await shot(page, "light-idle")
        await page.get_by_role("button", name="Talk", exact=True).click()
        await state(page, "live")
        await heard(page)
        await expect(page.locator(".turn")).to_have_count(2, timeout=WAIT_MS)
        await shot(page, "light-live")

        timings = await page.evaluate("window.firstword.timings")
        assert 0 < timings["token_ms"] <= timings["joining_ms"] < timings["connected_ms"]
        assert timings["joining_ms"] < timings["agent_track_ms"] < timings["first_word_ms"]
        assert timings["microphone_ms"] > 0
        assert await page.locator("#digits").inner_text() == rounded(timings["first_word_ms"])
        from_joining = f"{rounded(timings['first_word_ms'] - timings['joining_ms'])} ms from joining"
        await expect(page.locator("#caption")).to_have_text(f"to first word, from the click{from_joining}")

        assert await page.evaluate("window.firstword.transcript.map(line => [line.who, line.text, line.final])") == [
            ["agent", "Hello, this is the agent. What can I do for you?", True],
            ["caller", "When do you open on Friday?", True],
            ["agent", "We open at nine on Friday and close at six.", True],
            ["caller", "شكرا جزيلا", True],
            ["agent", "With pleasure. Anything else?", True],
        ]
        await expect(page.locator(".transcript .line")).to_have_count(5)
        await expect(page.locator(".chart .group")).to_have_count(2)
        await expect(page.locator(".chart .failed .why")).to_have_text("no account for this caller: the default one")
        await expect(page.locator(".turn summary").last).to_have_text("Turn 1, 812 ms until the reply")

        await page.get_by_role("button", name="Hang up").click()
        await state(page, "ended")
        await shot(page, "light-ended")
        await expect(page.get_by_role("button", name="Talk again")).to_be_visible()
        # The agent's job ends once it sees the caller leave.
        await asyncio.wait_for(asyncio.gather(*wire.tasks), WAIT_MS / 1000)


async def test_a_second_call_starts_afresh(browser: Browser, page_server: PageServer, livekit: LocalLiveKit) -> None:
    """Talk again is a new room with times and lines of its own, and leaves no audio element behind."""
    async with opened(browser, page_server) as page, worker(livekit) as wire:
        for _ in range(2):
            await page.get_by_role("button", name="Talk").click()
            await heard(page)
            await expect(page.locator(".turn")).to_have_count(2, timeout=WAIT_MS)
            assert await page.locator(".transcript .line").count() == 5
            await page.get_by_role("button", name="Hang up").click()
            await state(page, "ended")
            assert await page.locator("audio").count() == 0
        assert len({job.room.name for job in wire.taken}) == 2


async def test_the_microphone_arrives_at_the_agent_and_moves_the_meter(
    browser: Browser, page_server: PageServer, livekit: LocalLiveKit
) -> None:
    """The caller's published track is a microphone, and both gauges have shown a level above nothing."""
    async with opened(browser, page_server) as page, worker(livekit) as wire:
        await page.evaluate(WATCH_GAUGES)
        await page.get_by_role("button", name="Talk").click()
        await page.wait_for_function("() => window.moved.size === 2", timeout=WAIT_MS)
        room = wire.taken[0].room.name
        async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
            people = (await lk.room.list_participants(api.ListParticipantsRequest(room=room))).participants
        (caller,) = [person for person in people if person.identity.startswith("caller-")]
        assert [track.source for track in caller.tracks] == [api.TrackSource.MICROPHONE]
        await page.get_by_role("button", name="Hang up").click()
        await state(page, "ended")


async def test_closing_the_page_hangs_up(browser: Browser, page_server: PageServer, livekit: LocalLiveKit) -> None:
    """The agent sees the caller leave when the page goes away, with no press of a button."""
    async with opened(browser, page_server) as page, worker(livekit) as wire:
        await page.get_by_role("button", name="Talk").click()
        await heard(page)
        await page.goto("about:blank")
        await asyncio.wait_for(asyncio.gather(*wire.tasks), WAIT_MS / 1000)


async def test_hanging_up_before_the_call_is_there(browser: Browser, page_server: PageServer) -> None:
    """Talk and Hang up in the same moment end the call, and nothing comes of it later."""
    async with opened(browser, page_server) as page:
        await page.evaluate("() => { const talk = document.getElementById('talk'); talk.click(); talk.click(); }")
        await state(page, "ended")
        await page.wait_for_load_state("networkidle")
        assert await page.evaluate("window.firstword.state") == "ended"
        assert await page.locator("#failure").is_hidden()


async def test_a_lost_server_is_told_and_hanging_up_still_works(browser: Browser) -> None:
    """While the connection is being sought the page says so; Hang up ends it without waiting for the server."""
    async with LocalLiveKit() as own, serve(app_for(own)) as server, opened(browser, server) as page:
        async with worker(own):
            await page.get_by_role("button", name="Talk").click()
            await heard(page)
            os.kill(own.pid, signal.SIGKILL)
            await expect(page.locator("#notice")).to_contain_text("Reconnecting", timeout=WAIT_MS)
            assert await faults(page) == []
            await shot(page, "light-interrupted")
        await page.get_by_role("button", name="Hang up").click()
        await state(page, "ended")
        assert await page.locator("audio").count() == 0


async def test_a_turn_that_was_opened_stays_in_place(
    browser: Browser, page_server: PageServer, livekit: LocalLiveKit
) -> None:
    """The newest turn is first, and open; one that the caller opens stays so, with the focus, as the page changes."""
    async with opened(browser, page_server) as page, worker(livekit):
        await page.get_by_role("button", name="Talk").click()
        await expect(page.locator(".turn")).to_have_count(2, timeout=WAIT_MS)
        opened_turns = "[...document.querySelectorAll('.turn')].map(turn => turn.open)"
        assert await page.evaluate(opened_turns) == [True, False]
        await page.locator(".turn summary").last.focus()
        await page.keyboard.press("Enter")
        await page.evaluate("document.getElementById('talk').click()")
        await state(page, "ended")
        assert await page.evaluate(opened_turns) == [True, True]
        assert await page.evaluate("document.activeElement.textContent") == "Turn 1, 812 ms until the reply"


async def test_no_agent_is_told_in_words(browser: Browser, page_server: PageServer) -> None:
    """With no worker the call fails after ten seconds, says for which agent, and Talk is there again."""
    async with opened(browser, page_server) as page:
        await page.get_by_role("button", name="Talk").click()
        alert = page.get_by_role("alert")
        await expect(alert).to_contain_text("No agent answered within 10 seconds.", timeout=WAIT_MS)
        await expect(alert).to_contain_text(f"AGENT_NAME={AGENT}")
        assert await page.evaluate("window.firstword.state") == "failed"
        assert await faults(page) == []
        await shot(page, "light-failed")
        await expect(page.get_by_role("button", name="Talk again")).to_be_enabled()


async def test_a_refused_microphone_is_told_in_words(page_server: PageServer) -> None:
    """Without the permission the call fails at once and says where to give it."""
    async with chromium(microphone=False) as browser, opened(browser, page_server) as page:
        await page.get_by_role("button", name="Talk").click()
        await expect(page.get_by_role("alert")).to_contain_text("icrophone", timeout=WAIT_MS)
        await expect(page.get_by_role("alert")).to_contain_text("press Talk again")
        assert await page.evaluate("window.firstword.state") == "failed"


async def test_a_server_that_is_not_there_is_told_in_words(browser: Browser, unused_tcp_port: int) -> None:
    """What the token endpoint says of LiveKit is what the page says."""
    app = page_app(
        livekit_url=f"ws://127.0.0.1:{unused_tcp_port}",
        api_key="key",
        api_secret="s" * 32,
        agent_name=AGENT,
        static=PAGE_STATIC,
    )
    async with serve(app) as server, opened(browser, server) as page:
        await page.get_by_role("button", name="Talk").click()
        await expect(page.get_by_role("alert")).to_contain_text(
            f"LiveKit does not answer at 127.0.0.1:{unused_tcp_port}; start livekit-server", timeout=WAIT_MS
        )


async def test_the_providers_of_this_agent_are_on_the_page(browser: Browser, page_server: PageServer) -> None:
    """Each provider stands there with whether it is real or simulated."""
    async with opened(browser, page_server) as page:
        await expect(page.locator(".providers div")).to_have_text(
            [
                "Speech to textSoniox stt-rt-v4simulated",
                "Language modelOpenAI gpt-4o-minireal",
                "Text to speechElevenLabssimulated",
            ]
        )


@pytest.mark.skipif(not SHOTS, reason="only for looking at: set PAGE_SHOTS to a folder")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("dark", {"color_scheme": "dark"}),
        ("phone", {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 2}),
        ("phone-dark", {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}),
    ],
)
async def test_looks(
    browser: Browser, page_server: PageServer, livekit: LocalLiveKit, name: str, options: dict[str, Any]
) -> None:
    """Pictures of the page before, in and after a call; nothing is wider than the window."""
    async with opened(browser, page_server, **options) as page, worker(livekit):
        await shot(page, f"{name}-idle")
        await page.get_by_role("button", name="Talk").click()
        await heard(page)
        await expect(page.locator(".turn")).to_have_count(2, timeout=WAIT_MS)
        await shot(page, f"{name}-live")
        assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        await page.get_by_role("button", name="Hang up").click()
        await state(page, "ended")
        await shot(page, f"{name}-ended")
