"""A caller without the SDK reads the call in data packets: the same lines that others get as text streams."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from livekit import api

from observe.data_packets import WHIP
from observe.room_feed import TOPIC as TIMELINE
from prewarm.voice import TRACK_NAME
from rooms.entrance import TRANSPORT
from rooms.tokens import ApiKey, caller_token
from sim.caller import TRANSCRIPTION_TOPIC, Caller, CallerTimeout
from tests.calls.conftest import GREETING, REPLIES
from tests.harness import run_worker, settings_for
from tests.web.browser import chromium

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from playwright.async_api import Page

    from service import Service
    from sim.caller import ReceivedData, ReceivedText
    from sim.livekit_server import LocalLiveKit
    from sim.providers import SimulatedProviders
    from sim.speech.library import Recording
    from tests.conftest import MakeSettings
    from tests.harness import Worker

HELLO = b'{"topic": "firstword.listening"}'
CONNECT = """async () => {
    const connection = new RTCPeerConnection();
    const channel = connection.createDataChannel("words");
    connection.addTransceiver("audio", {direction: "sendrecv"});
    Object.assign(window, {connection, channel, heard: []});
    channel.binaryType = "arraybuffer";
    channel.onmessage = ({data}) => window.heard.push(JSON.parse(new TextDecoder().decode(data)));
    await connection.setLocalDescription(await connection.createOffer());
    return connection.localDescription.sdp;
}"""
ANSWER = "sdp => window.connection.setRemoteDescription({type: 'answer', sdp})"
HEARD = "what => window.heard.some(packet => packet.final && packet.text === what)"


def whip_token(livekit: LocalLiveKit, room: str, identity: str) -> str:
    key = ApiKey(livekit.api_key, livekit.api_secret)
    return caller_token(key, room=room, identity=identity, attributes={TRANSPORT: WHIP})


def whip_caller(worker: Worker, room: str, identity: str = "ada") -> Caller:
    topics = (TRANSCRIPTION_TOPIC, TIMELINE)
    token = whip_token(worker.livekit, room, identity)
    return Caller(worker.livekit.url, token, name=identity, text_topics=topics, connect_timeout_s=25)


def packets(data: Sequence[ReceivedData], topic: str = TRANSCRIPTION_TOPIC) -> list[dict[str, Any]]:
    return [packet for packet in (json.loads(each.data) for each in data) if packet.get("topic") == topic]


def lines(told: Sequence[dict[str, Any]], who: str) -> list[str]:
    """The complete lines of one of the two, as a page shows them: of each segment the last text."""
    texts = {packet["segment"]: packet["text"] for packet in told if packet["who"] == who}
    complete = {packet["segment"] for packet in told if packet["final"]}
    return [text for segment, text in texts.items() if segment in complete]


def streamed(texts: Sequence[ReceivedText], caller: str) -> list[dict[str, Any]]:
    """The text streams in the packets' form."""
    return [
        {
            "segment": text.attributes["lk.segment_id"],
            "who": "caller" if text.identity == caller else "agent",
            "text": text.text,
            "final": text.attributes["lk.transcription_final"] == "true",
        }
        for text in texts
        if text.topic == TRANSCRIPTION_TOPIC
    ]


async def said_until_answered(caller: Caller, recording: Recording) -> None:
    """On a machine that is too busy for sound not all of it arrives: it is said again, at most twice."""
    for _ in range(3):
        await caller.say(recording.pcm, 16_000)
        with suppress(CallerTimeout):
            await caller.packet(
                lambda _: lines(packets(caller.data), "caller") != [] and len(lines(packets(caller.data), "agent")) > 1,
                timeout_s=7,
                what="words and a reply",
            )
            return
    raise AssertionError(f"no words or no reply: {packets(caller.data)}")


async def test_a_caller_without_the_sdk_reads_the_same_lines(
    livekit: LocalLiveKit,
    sim: SimulatedProviders,
    service: Service,
    speech: dict[str, Recording],
    make_settings: MakeSettings,
) -> None:
    """Greeting, the caller's words interim and final, the reply, the timeline: as the text streams tell them."""
    settings = settings_for(make_settings, livekit, sim, timeline_to_room=True)
    async with run_worker(service, settings, livekit) as worker:
        async with whip_caller(worker, await worker.open_room()) as caller:
            await caller.room.local_participant.publish_data(HELLO)
            await caller.packet(greeted(caller), timeout_s=20, what="the greeting")
            with suppress(CallerTimeout):
                await caller.quiet(400, timeout_s=10)
            await said_until_answered(caller, speech["opening_hours"])
            async with asyncio.timeout(10):
                while not the_same(caller):
                    await asyncio.sleep(0.02)
            told = packets(caller.data)
            (start,) = packets(caller.data, TIMELINE)[:1]
            streams = [text.text for text in caller.texts if text.topic == TIMELINE]
        await worker.idle()
    assert lines(told, "agent")[:2] == [GREETING, REPLIES[0]]
    assert start["message"] == streams[0]
    assert max(len(each.data) for each in caller.data) < 15_000
    first = next(packet for packet in told if packet["who"] == "caller")["segment"]
    finals = [packet["final"] for packet in told if packet["segment"] == first]
    assert len(finals) > 1, "no interim words"
    assert finals == [False] * (len(finals) - 1) + [True]


def the_same(caller: Caller) -> bool:
    """Both ways have told the same complete lines."""
    told, shown = packets(caller.data), streamed(caller.texts, caller.room.local_participant.identity)
    return all(lines(told, who) == lines(shown, who) for who in ("caller", "agent"))


async def test_an_ordinary_caller_gets_no_packets(
    livekit: LocalLiveKit, sim: SimulatedProviders, service: Service, make_settings: MakeSettings
) -> None:
    """Nothing is sent, and the call listens for nothing on that account."""
    settings = settings_for(make_settings, livekit, sim, timeline_to_room=True)
    async with run_worker(service, settings, livekit) as worker:
        async with worker.caller(await worker.open_room(), text_topics=(TRANSCRIPTION_TOPIC, TIMELINE)) as caller:
            await caller.text(lambda text: text.topic == TIMELINE, timeout_s=20)
            await caller.text(lambda text: text.text == GREETING and text.final, timeout_s=20)
            (call,) = worker.calls
            assert caller.data == []
            assert not call._packet_words.packets.wanted  # pyright: ignore[reportPrivateUsage]  # says that nothing ran
        await worker.idle()


def greeted(caller: Caller) -> Callable[[ReceivedData], bool]:
    return lambda _: lines(packets(caller.data), "agent") == [GREETING]


@pytest.mark.parametrize("says_hello", [True, False], ids=["hello", "silent"])
async def test_a_browser_without_the_sdk_reads_the_greeting(
    livekit: LocalLiveKit, sim: SimulatedProviders, service: Service, make_settings: MakeSettings, says_hello: bool
) -> None:
    """By bare WHIP against livekit-server; also on a page that says nothing when its channel is open."""
    settings = settings_for(make_settings, livekit, sim)
    async with chromium() as browser, run_worker(service, settings, livekit) as worker:
        room = await worker.open_room()
        page = await browser.new_page()
        agent = await voice_of(worker, room)
        offer = await page.evaluate(CONNECT)
        session = await posted(livekit, page, offer, whip_token(livekit, room, "browser"), agent)
        if says_hello:
            await page.wait_for_function("() => window.channel.readyState === 'open'")
            await page.evaluate("hello => window.channel.send(hello)", HELLO.decode())
        await page.wait_for_function(HEARD, arg=GREETING)
        told: list[dict[str, Any]] = await page.evaluate("() => window.heard")
        assert lines(told, "agent") == [GREETING]
        await deleted(session, whip_token(livekit, room, "browser"))
        await worker.idle()


async def voice_of(worker: Worker, room: str) -> str:
    """Waits until the agent's track is published; returns who the agent is."""
    while True:
        found = await worker.api.room.list_participants(api.ListParticipantsRequest(room=room))
        for each in found.participants:
            if each.tracks:
                return each.identity
        await asyncio.sleep(0.02)


async def posted(livekit: LocalLiveKit, page: Page, offer: str, token: str, agent: str) -> str:
    """Takes the offer to livekit-server and its answer to the page; returns the session's address."""
    server = livekit.url.replace("ws", "http", 1)
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/sdp",
        "X-LiveKit-ClientInfo": json.dumps({"subscribedParticipantTrackNames": {agent: [TRACK_NAME]}}),
    }
    async with aiohttp.ClientSession() as http, http.post(f"{server}/whip/v1", data=offer, headers=headers) as reply:
        assert reply.status == 201, await reply.text()
        await page.evaluate(ANSWER, await reply.text())
        return f"{server}{reply.headers['Location']}"


async def deleted(session: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as http, http.delete(session, headers=headers) as reply:
        assert reply.status == 200
