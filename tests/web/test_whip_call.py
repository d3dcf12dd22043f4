"""Calls of a real browser through the WHIP proxy, by its bare RTCPeerConnection."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from rooms.tokens import new_name
from sim.livekit_server import LocalLiveKit
from tests.rooms.wire_worker import WireWorker
from tests.web.whip_server import Speaker, WhipServer, callers, whip_server

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from playwright.async_api import Browser, Page

WAIT_MS = 20_000
SCRIPT = """
window.call = async () => {
  const pc = (window.pc = new RTCPeerConnection({ bundlePolicy: "max-bundle" }));
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  window.loud = () => {
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    return samples.some((sample) => Math.abs(sample) > 0.05);
  };
  pc.ontrack = ({ track }) => {
    const stream = new MediaStream([track]);
    window.element = Object.assign(new Audio(), { srcObject: stream });
    window.element.play();
    context.createMediaStreamSource(stream).connect(analyser);
  };
  window.candidates = [];
  pc.onicecandidate = ({ candidate }) => candidate?.candidate && window.candidates.push(candidate.candidate);
  const [track] = (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks();
  pc.addTransceiver(track, { direction: "sendrecv" });
  window.channel = pc.createDataChannel("");
  window.said = [];
  channel.onmessage = async ({ data }) => said.push(typeof data === "string" ? data : await new Response(data).text());
  const offer = await pc.createOffer();
  await pc.setLocalDescription(offer);
  const headers = { "Content-Type": "application/sdp" };
  const answer = await fetch("/api/whip", { method: "POST", body: offer.sdp, headers });
  window.answer = await answer.text();
  if (answer.status !== 201) return { status: answer.status };
  window.where = answer.headers.get("Location");
  window.etag = answer.headers.get("ETag");
  await pc.setRemoteDescription({ type: "answer", sdp: window.answer });
  return { status: 201, room: answer.headers.get("X-Firstword-Room"), sdp: window.answer };
};
const of = (sdp, name) => sdp.split("\\r\\n").filter((line) => line.startsWith(name));
window.restart = async () => {
  pc.restartIce();
  const offer = await pc.createOffer();
  candidates.length = 0;
  await pc.setLocalDescription(offer);
  while (pc.iceGatheringState !== "complete") await new Promise((next) => (pc.onicegatheringstatechange = next));
  const own = pc.localDescription.sdp;
  const credentials = ["a=mid:", "a=ice-ufrag:", "a=ice-pwd:"].map((each) => of(own, each)[0]);
  const media = "m=audio 9 UDP/TLS/RTP/SAVPF 0";
  const own_candidates = candidates.map((each) => `a=${each}`);
  const body = [media, ...credentials, ...own_candidates, "a=end-of-candidates", ""].join("\\r\\n");
  const headers = { "Content-Type": "application/trickle-ice-sdpfrag", "If-Match": "*" };
  const answer = await fetch(where, { method: "PATCH", body, headers });
  if (answer.status !== 200) return { status: answer.status };
  const [before, fragment] = [etag, await answer.text()];
  window.etag = answer.headers.get("ETag");
  const changed = [...of(fragment, "a=ice-"), ...of(fragment, "a=candidate:"), ...of(fragment, "a=end-of")];
  const kept = window.answer.split("\\r\\n").filter((line) => !/^a=(ice-|candidate|end-of)/.test(line));
  const at = kept.findIndex((line) => line.startsWith("a=mid:"));
  kept.splice(at + 1, 0, ...changed);
  window.answer = kept.join("\\r\\n");
  await pc.setRemoteDescription({ type: "answer", sdp: window.answer });
  return { status: 200, candidates: candidates.length, changed: before !== etag };
};
window.received = async () => {
  let count = 0;
  for (const each of (await pc.getStats()).values()) if (each.type === "inbound-rtp") count += each.packetsReceived;
  return count;
};
0;
"""


@pytest.fixture
def agent_name() -> str:
    return new_name("whip")


@asynccontextmanager
async def open_page(browser: Browser, server: WhipServer) -> AsyncGenerator[Page]:
    page = await browser.new_page(bypass_csp=True)  # wait_for_function evaluates text
    try:
        await page.goto(server.page)
        await page.evaluate(SCRIPT)
        yield page
    finally:
        await page.close()


def worker(livekit: LocalLiveKit, agent_name: str, speaker: Speaker) -> WireWorker:
    return WireWorker(livekit.url, livekit.api_key, livekit.api_secret, agent_name, speaker)


async def call(page: Page) -> dict[str, Any]:
    return await page.evaluate("call()")


async def both_hear(page: Page, speaker: Speaker) -> None:
    await page.wait_for_function("loud()", timeout=WAIT_MS)
    await asyncio.wait_for(speaker.heard.wait(), WAIT_MS / 1000)


async def more_is_heard(page: Page, speaker: Speaker) -> None:
    """Packets of now, not the last of what was before."""
    before = await page.evaluate("received()")
    async with asyncio.timeout(WAIT_MS / 1000):
        while await page.evaluate("received()") < before + 10:
            await asyncio.sleep(0.05)
    speaker.heard.clear()
    await both_hear(page, speaker)


async def test_a_call_sounds_both_ways(livekit: LocalLiveKit, browser: Browser, agent_name: str) -> None:
    """With the agent of a standby room; plain packets reach both; the agent sees the hang-up; no other call is made."""
    speaker = Speaker(livekit.url)
    async with (
        worker(livekit, agent_name, speaker),
        whip_server(livekit, agent_name, standby_rooms=1) as server,
        open_page(browser, server) as page,
    ):
        async with asyncio.timeout(20):
            while not server.entrance.waiting:
                await asyncio.sleep(0.02)
        made = await call(page)
        assert made["status"] == 201
        assert "a=recvonly" not in made["sdp"]
        await both_hear(page, speaker)
        await page.wait_for_function("channel.readyState === 'open'", timeout=WAIT_MS)
        await page.evaluate("channel.send('hello')")
        await page.wait_for_function("said.includes('and you: hello')", timeout=WAIT_MS)
        status = await page.evaluate(
            "fetch(where, {method: 'DELETE', keepalive: true}).then((answer) => answer.status)"
        )
        assert status == 200
        await asyncio.wait_for(speaker.left.wait(), 20)
        assert await callers(livekit, made["room"]) == []
        assert len(server.calls) == 0


async def test_an_agent_that_is_late_is_heard(livekit: LocalLiveKit, browser: Browser, agent_name: str) -> None:
    """It joins after livekit-server has answered the offer: the caller is answered when it is there, and hears it."""
    speaker = Speaker(livekit.url)
    speaker.may_come.clear()
    async with (
        worker(livekit, agent_name, speaker) as hired,
        whip_server(livekit, agent_name, dispatch_at="join", agent_limit_s=30) as server,
        open_page(browser, server) as page,
    ):
        calling = asyncio.create_task(call(page))
        job = await asyncio.wait_for(hired.jobs.get(), 20)
        async with asyncio.timeout(20):
            while not await callers(livekit, job.room.name):
                await asyncio.sleep(0.02)
        speaker.may_come.set()
        assert (await calling)["status"] == 201
        await both_hear(page, speaker)


async def test_a_new_track_of_the_agents_is_heard(livekit: LocalLiveKit, browser: Browser, agent_name: str) -> None:
    """It takes the old one's place: livekit-server by itself would leave the caller in silence."""
    speaker = Speaker(livekit.url)
    async with (
        worker(livekit, agent_name, speaker),
        whip_server(livekit, agent_name, look_every_s=0.1) as server,
        open_page(browser, server) as page,
    ):
        assert (await call(page))["status"] == 201
        await both_hear(page, speaker)
        (one,) = server.calls
        before = one.voice
        speaker.again.set()
        async with asyncio.timeout(20):
            while one.voice == before:
                await asyncio.sleep(0.02)
        await more_is_heard(page, speaker)


async def test_a_call_goes_on_after_restarts(browser: Browser, agent_name: str) -> None:
    """ICE restarts with candidates, as browsers make them, time after time, in a server that could crash of it."""
    async with LocalLiveKit() as livekit:
        speaker = Speaker(livekit.url)
        async with (
            worker(livekit, agent_name, speaker),
            whip_server(livekit, agent_name) as server,
            open_page(browser, server) as page,
        ):
            assert (await call(page))["status"] == 201
            await both_hear(page, speaker)
            for _ in range(3):
                made = await page.evaluate("restart()")
                assert made["status"] == 200
                assert made["candidates"] > 0
                assert made["changed"]
                await page.wait_for_function("pc.iceConnectionState === 'connected'", timeout=WAIT_MS)
                await more_is_heard(page, speaker)
            assert await page.evaluate("fetch(where, {method: 'DELETE'}).then((answer) => answer.status)") == 200
