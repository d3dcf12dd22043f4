"""One call of the library by livekit-client, with a real livekit-server and without the page around it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from livekit import api, rtc
from livekit.agents import AgentSession
from livekit.agents.voice.room_io import RoomIO

from tests.rooms.wire_worker import WireWorker
from tests.web.page_server import AGENT
from tests.web.sound_page import TONES
from tests.web.talking_agent import talking_agent
from turns.room_options import SAMPLE_RATE_HZ, room_options

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from livekit.protocol.agent import JobAssignment
    from playwright.async_api import Browser, Page

    from sim.livekit_server import LocalLiveKit
    from tests.conftest import MakeSettings
    from tests.web.page_server import PageServer

pytestmark = pytest.mark.alone  # half a second of tone is counted

WAIT_MS = 45_000
PRELUDE = """
window.peers = [];
const Native = RTCPeerConnection;
window.RTCPeerConnection = class extends Native {
  constructor(...given) { super(...given); window.peers.push(this); }
};
window.ready = async (options = {}) => {
  const { Call, LiveKitTransport } = await import("/static/firstword.js");
  const tones = new Tones();
  const microphone = () => ({
    track: null,
    async open() { return (this.track = tones.track(window.spans ?? [[0, 60]])); },
    close() { this.track?.stop(); this.track = null; },
    async tune() {},
    async choose() {},
    granted: () => null,
  });
  window.call = new Call(
    { transport: (events) => new LiveKitTransport(events, options), microphone, reportUrl: "/api/report" },
  );
};
"""


@asynccontextmanager
async def library(browser: Browser, server: PageServer) -> AsyncGenerator[Page]:
    context = await browser.new_context()
    page = await context.new_page()
    thrown: list[str] = []
    page.on("pageerror", lambda error: thrown.append(str(error)))
    await page.add_init_script(TONES + PRELUDE)
    try:
        await page.goto(f"{server.url}/healthz")
        yield page
        assert thrown == []
    finally:
        await context.close()


def worker(livekit: LocalLiveKit, job: Callable[[JobAssignment], Awaitable[None]] | None = None) -> WireWorker:
    job = job or talking_agent(livekit.url)
    return WireWorker(livekit.url, livekit.api_key, livekit.api_secret, AGENT, job)


async def reports(server: PageServer) -> list[dict[str, Any]]:
    async with server.http.get(f"{server.url}/api/reports", headers={"Accept-Encoding": "identity"}) as response:
        return (await response.json())["reports"]


async def reported(server: PageServer) -> dict[str, Any]:
    """The first report that arrives."""
    async with asyncio.timeout(WAIT_MS / 1000):
        while not (found := await reports(server)):
            await asyncio.sleep(0.05)
    return found[0]


async def heard(page: Page) -> None:
    await page.wait_for_function("() => call.timings.first_word_ms !== null", timeout=WAIT_MS)


async def test_a_call_leaves_nothing_but_its_report(
    browser: Browser, page_server: PageServer, livekit: LocalLiveKit
) -> None:
    """The SDK comes with the call and not before; the words arrive; all is closed; the service has the report."""
    asked: list[str] = []
    async with library(browser, page_server) as page, worker(livekit) as wire:
        page.on("request", lambda request: asked.append(request.url))
        await page.evaluate("ready()")
        assert not any("liveRoom" in url for url in asked)
        await page.evaluate("call.start()")
        await heard(page)
        assert sum("liveRoom" in url for url in asked) == 1
        await page.wait_for_function("() => call.monitor.report().timelines.length === 3", timeout=WAIT_MS)
        await page.wait_for_function("() => call.quality !== null", timeout=WAIT_MS)
        lines = await page.evaluate("call.transcript.lines.map((line) => line.text)")
        assert lines[0] == "Hello, this is the agent. What can I do for you?"
        joined = await page.evaluate("call.joined")
        await page.evaluate("call.hangUp()")
        await page.wait_for_function("() => peers.every((peer) => peer.connectionState === 'closed')", timeout=WAIT_MS)
        assert await page.evaluate("document.querySelectorAll('audio').length") == 0
        received = await reported(page_server)
        await asyncio.wait_for(asyncio.gather(*wire.tasks), WAIT_MS / 1000)
    assert (received["room"], received["identity"]) == (joined["room"], joined["identity"])
    call = received["report"]["call"]
    assert (call["transport"], call["outcome"], call["failure"]) == ("livekit", "ended", None)
    assert call["audio"]["looks"] >= 1
    assert set(received["report"]["latencies"]) >= {"livekit.token", "livekit.connect", "audio.first_word"}
    assert [timeline["kind"] for timeline in received["report"]["timelines"]] == ["start", "turn", "turn"]


async def test_a_page_that_goes_hangs_up_and_reports(
    browser: Browser, page_server: PageServer, livekit: LocalLiveKit
) -> None:
    """The agent sees the caller leave at once, on purpose; the report outlives the page."""
    async with library(browser, page_server) as page, worker(livekit) as wire:
        await page.evaluate("ready().then(() => call.start())")
        await heard(page)
        await page.goto("about:blank")
        # Somebody whose connection broke would be waited for: 15 s and more.
        await asyncio.wait_for(asyncio.gather(*wire.tasks), 10)
        received = await reported(page_server)
    assert received["report"]["call"]["outcome"] == "ended"


async def test_a_token_that_is_too_old_is_asked_for_anew(
    browser: Browser, page_server: PageServer, livekit: LocalLiveKit
) -> None:
    """Once: the caller hears nothing of it. If the next one is refused as well, the call says so."""
    old = {"url": livekit.url, "room": "old", "identity": "old", "token": "e30.e30.e30"}
    asked = 0

    async def first_is_old(route: Any) -> None:
        nonlocal asked
        asked += 1
        await (route.fulfill(json=old) if asked == 1 else route.continue_())

    async with library(browser, page_server) as page, worker(livekit):
        await page.route("**/api/token", first_is_old)
        await page.evaluate("ready().then(() => call.start())")
        await heard(page)
        assert asked == 2
        await page.evaluate("call.hangUp()")
        await page.unroute("**/api/token")
        await page.route("**/api/token", lambda route: route.fulfill(json=old))
        await page.evaluate("call.start()")
        assert await page.evaluate("[call.state, call.failure.code]") == ["failed", "token-expired"]


async def test_what_is_said_too_early_is_heard(
    browser: Browser, page_server: PageServer, livekit: LocalLiveKit, make_settings: MakeSettings
) -> None:
    """The caller speaks for half a second before the room is there, and then no more: the agent's session gets it."""
    tone_s = 0.0
    listening = asyncio.Event()

    async def listen(assignment: JobAssignment) -> None:
        nonlocal tone_s
        room, session = rtc.Room(), AgentSession[None]()
        room_io = RoomIO(session, room, options=room_options(make_settings()))
        await room_io.start()
        await room.connect(livekit.url, assignment.token)
        listening.set()
        try:
            assert session.input.audio is not None
            async for frame in session.input.audio:
                samples = np.frombuffer(frame.data, dtype=np.int16).astype(float) * np.hanning(
                    frame.samples_per_channel
                )
                spectrum = np.abs(np.fft.rfft(samples))
                loudest_hz = np.argmax(spectrum) * SAMPLE_RATE_HZ / len(samples)
                if abs(loudest_hz - 1000) <= 2 * SAMPLE_RATE_HZ / len(samples) and np.abs(samples).max() > 1000:
                    tone_s += frame.duration
        finally:
            await room_io.aclose()
            await room.disconnect()

    release = asyncio.Event()

    async def held(route: Any) -> None:
        # The agent is in the room, the caller has spoken: only now the caller learns where that is.
        response = await route.fetch()
        await asyncio.wait_for(listening.wait(), 10)
        await release.wait()
        await route.fulfill(response=response)

    async with library(browser, page_server) as page, worker(livekit, listen) as wire:
        await page.route("**/api/token", held)
        # As on a page that had a moment: the SDK is there before the click.
        async with page.expect_request(lambda request: "liveRoom" in request.url) as fetched:
            await page.evaluate("ready().then(() => call.prepare())")
        await page.evaluate("(url) => import(url).then(() => undefined)", (await fetched.value).url)
        await page.evaluate("() => { window.spans = [[0.2, 0.7]]; void call.start(); }")
        await asyncio.wait_for(listening.wait(), WAIT_MS / 1000)
        await page.wait_for_function("() => call.timings.microphone_ms !== null", timeout=WAIT_MS)
        clicked_ms = await page.evaluate("performance.now() - call.timings.microphone_ms")
        await page.wait_for_function("(from) => performance.now() > from + 1500", arg=clicked_ms, timeout=WAIT_MS)
        assert tone_s == 0
        release.set()
        async with asyncio.timeout(WAIT_MS / 1000):
            while tone_s < 0.35:
                await asyncio.sleep(0.05)
        await page.evaluate("call.hangUp()")
        for task in wire.tasks:
            task.cancel()
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
        rooms = await lk.room.list_rooms(api.ListRoomsRequest(names=[job.room.name for job in wire.taken]))
        for room in rooms.rooms:
            people = await lk.room.list_participants(api.ListParticipantsRequest(room=room.name))
            assert not [who for who in people.participants if who.kind == api.ParticipantInfo.STANDARD]
