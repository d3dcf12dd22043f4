"""Many calls in one page, one after the other: what the page holds after them, in the browser's own numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livekit import api

from bench.browser.chromium import chromium
from bench.browser.echo_agent import EchoAgent
from bench.browser.results import Held, Leaks
from bench.browser.visit import check_way, hang_up, open_page, talk, window
from bench.first_word.doors import Page
from bench.measure import CallFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.async_api import Browser, CDPSession
    from playwright.async_api import Page as Tab

    from bench.browser.plan import Options, Transport
    from bench.workers import Surroundings

SETTLING_CALLS = 5
"""What is made once for all calls is made by then."""
COLLECTIONS = 3
"""What one collection finalizes the next one frees."""
CLASSES = {
    "peers": "RTCPeerConnection",
    "tracks": "MediaStreamTrack",
    "contexts": "AudioContext",
    "sockets": "WebSocket",
    "audio_nodes": "AudioNode",
}


async def measure_leaks(place: Surroundings, options: Options, told: Callable[[int], None]) -> list[Leaks]:
    """Failures are in it. Raises `BenchError` if a process does not start."""
    found: list[Leaks] = []
    agent = EchoAgent(place)
    async with agent, Page(place, agent.agent_name, standby_rooms=1, static=options.static) as site:
        for way in options.transports:
            # One browser for each way: what one of them leaves is not the other's.
            async with chromium() as browser:
                found.append(await _leaks(place, site, browser, way, options.leak_calls, told))
    return found


async def held(tab: Tab, session: CDPSession) -> Held:
    """After the collector has run; what the page still holds, not what happens to lie around."""
    for _ in range(COLLECTIONS):
        await session.send("HeapProfiler.collectGarbage")
    await tab.evaluate("() => new Promise((over) => setTimeout(over, 100))")
    await session.send("HeapProfiler.collectGarbage")
    told: dict[str, Any] = await session.send("Performance.getMetrics")
    metrics = {each["name"]: each["value"] for each in told["metrics"]}
    counts = {field: await _living(session, name) for field, name in CLASSES.items()}
    return Held(
        heap_kb=metrics["JSHeapUsedSize"] / 1024,
        nodes=int(metrics["Nodes"]),
        listeners=int(metrics["JSEventListeners"]),
        **counts,
    )


async def open_session(tab: Tab) -> CDPSession:
    session = await tab.context.new_cdp_session(tab)
    await session.send("Performance.enable")
    await session.send("HeapProfiler.enable")
    return session


async def _living(session: CDPSession, name: str) -> int:
    """Objects of a class in this page that the collector cannot take."""
    prototype = (await session.send("Runtime.evaluate", {"expression": f"{name}.prototype"}))["result"]["objectId"]
    objects = (await session.send("Runtime.queryObjects", {"prototypeObjectId": prototype}))["objects"]["objectId"]
    counted = await session.send(
        "Runtime.callFunctionOn",
        {"objectId": objects, "functionDeclaration": "function () { return this.length; }", "returnByValue": True},
    )
    for each in (objects, prototype):
        await session.send("Runtime.releaseObject", {"objectId": each})
    return int(counted["result"]["value"])


async def _leaks(
    place: Surroundings, site: Page, browser: Browser, way: Transport, calls: int, told: Callable[[int], None]
) -> Leaks:
    opened = 0
    failed: str | None = None
    async with window(browser) as tab:
        await open_page(tab, site.url, way)
        session = await open_session(tab)
        for _ in range(SETTLING_CALLS):
            await _call(site, tab, way)
        before = await held(tab, session)
        halfway: Held | None = None
        try:
            for number in range(calls):
                if number == calls // 2:
                    halfway = await held(tab, session)
                await _call(site, tab, way)
                opened += 1
                told(1)
        except CallFailed as error:
            failed = f"call {opened + 1}: {error}"
        after = await held(tab, session)
    return Leaks(way, opened, opened, before, after, await callers_left(place), failed, halfway)


async def _call(site: Page, tab: Tab, way: Transport) -> None:
    await site.filled()
    await talk(tab)
    await check_way(tab, way)
    await hang_up(tab)


async def callers_left(place: Surroundings) -> int:
    """Participants in all rooms that are no agents."""
    rooms = (await place.lk.room.list_rooms(api.ListRoomsRequest())).rooms
    left = 0
    for room in rooms:
        people = (await place.lk.room.list_participants(api.ListParticipantsRequest(room=room.name))).participants
        left += sum(person.kind != api.ParticipantInfo.Kind.AGENT for person in people)
    return left
