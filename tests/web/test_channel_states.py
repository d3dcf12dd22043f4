"""The page's control channel: what it makes of each end, of silence, of being away, and of the page's own end."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from sim.counting_relay import CountingRelay
from sim.flaky_socket import FlakySocket, Losses
from tests.web.channel_page import QUICK, channel_server, open_page, reversed_words, token
from tests.web.page_server import serve

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from playwright.async_api import Browser, Page

    from tests.web.channel_page import ChannelServer

CONNECT = "([url, token, options]) => { window.connect(url, token, options); }"
CLOSED = "() => window.channel.state === 'closed'"
OPEN = "() => window.channel.state === 'open'"
PATH = "/api/channel"


@asynccontextmanager
async def page_of(browser: Browser, server: ChannelServer) -> AsyncGenerator[Page]:
    page = await browser.new_page()
    await open_page(page, server.url)
    try:
        yield page
    finally:
        await page.close()


async def told(page: Page) -> list[tuple[str, str | None]]:
    return [(each["state"], each["end"]) for each in await page.evaluate("() => window.told")]


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.01)


async def test_a_refusal_is_final(browser: Browser) -> None:
    """A wrong token, and a service that does not know the session any more: no second attempt, and a word for each."""
    async with channel_server(reversed_words) as server, page_of(browser, server) as page:
        await page.evaluate(CONNECT, [PATH, "no token", {}])
        await page.wait_for_function(CLOSED)
        assert await told(page) == [("closed", "refused")]
        assert await page.evaluate("() => window.told[0].words") == "token: not valid, or not any more"
        await page.evaluate("() => { window.told = []; }")
        async with FlakySocket(server.channel_url, Losses()) as relay:
            await page.evaluate(CONNECT, [relay.url, token(), {"firstDelayMs": 200}])
            await page.wait_for_function(OPEN)
            relay.break_off()
            await page.wait_for_function("() => window.channel.state === 'away'")
            [session] = list(server.channel.sessions._by_name.values())  # pyright: ignore[reportPrivateUsage] ended
            server.channel.sessions.end(session)
            await page.wait_for_function(CLOSED)
        assert (await told(page))[-1] == ("closed", "expired")


async def test_the_older_channel_of_a_participant_is_replaced(browser: Browser) -> None:
    """It does not fight for its place."""
    async with channel_server(reversed_words) as server, page_of(browser, server) as page:
        await page.evaluate(CONNECT, [PATH, token(), {}])
        await page.wait_for_function(OPEN)
        async with page_of(browser, server) as other:
            await other.evaluate(CONNECT, [PATH, token(), {}])
            await page.wait_for_function(CLOSED)
            assert await told(page) == [("open", None), ("closed", "replaced")]
            assert await other.evaluate(OPEN)


async def test_a_full_service_is_asked_again_when_it_wants_to(browser: Browser) -> None:
    """After the time that it names, and until it has room; at the end of all attempts it was overloaded, not lost."""
    limits = replace(QUICK, most_sessions=1, busy_retry_after_s=0.3)
    async with channel_server(reversed_words, limits=limits) as server, page_of(browser, server) as page:
        await page.evaluate(CONNECT, [PATH, token(), {}])
        await page.wait_for_function(OPEN)
        async with page_of(browser, server) as other:
            took_ms = await other.evaluate(
                """([url, token, options]) => new Promise((resolve) => {
                  const begin = performance.now();
                  window.connect(url, token, options).on({
                    state: (state) => { if (state === "closed") resolve(performance.now() - begin); },
                  });
                })""",
                [PATH, token("bob"), {"attempts": 2}],
            )
            assert took_ms >= 600
            assert await told(other) == [("away", None), ("away", None), ("closed", "overloaded")]
            await other.evaluate("() => { window.told = []; }")
            await other.evaluate(CONNECT, [PATH, token("bob"), {"attempts": 50}])
            await other.wait_for_function("() => window.told.length > 0")
            await page.evaluate("() => window.channel.close()")
            await other.wait_for_function(OPEN)


async def test_attempts_are_counted_anew_after_a_good_connection(browser: Browser) -> None:
    """Three each time, with ever longer pauses; then it is lost, and what waited is refused."""
    async with channel_server(reversed_words) as server, page_of(browser, server) as page:
        port = int(server.url.rpartition(":")[2])
        async with CountingRelay(port) as relay:
            url = f"{relay.url}{PATH}"
            await page.evaluate(CONNECT, [url, token(), {"attempts": 3, "firstDelayMs": 50, "longestDelayMs": 500}])
            await page.wait_for_function(OPEN)
            relay.shut()
            await page.wait_for_function("() => window.told.filter(({ state }) => state === 'away').length >= 2")
            await relay.open()
            await page.wait_for_function(OPEN)
            await page.evaluate("() => { window.told = []; }")
            relay.shut()
            await page.wait_for_function("() => window.channel.state === 'away'")
            outcome = await page.evaluate(
                """async () => {
                  const sent = window.channel.send({ type: "ai_request", id: "1", text: "hello" });
                  const asked = window.ai.ask("hello");
                  return [await sent.catch((error) => error.kind), await asked.catch((error) => error.kind)];
                }"""
            )
        assert outcome == ["closed", "failed"]
        assert await told(page) == [("away", None)] * 3 + [("closed", "lost")]


async def test_messages_wait_while_the_connection_is_away(browser: Browser) -> None:
    """They arrive once and in order; of too many the oldest is refused; one that is withdrawn never leaves."""
    async with (
        channel_server(reversed_words) as server,
        CountingRelay(int(server.url.rpartition(":")[2])) as relay,
        page_of(browser, server) as page,
    ):
        await page.evaluate(CONNECT, [f"{relay.url}{PATH}", token(), {"mostWaiting": 3, "attempts": 1000}])
        await page.wait_for_function(OPEN)
        relay.shut()
        await page.wait_for_function("() => window.channel.state === 'away'")
        await page.evaluate(
            """() => {
              const stop = new AbortController();
              const sent = [1, 2, 3, 4, 5].map((n) =>
                window.channel.send({ type: "ai_request", id: `r${n}`, text: `n${n}` }, n === 4 ? stop : {}));
              stop.abort();
              window.sent = Promise.all(sent.map((each) => each.then(() => "arrived", (error) => error.kind)));
            }"""
        )
        await relay.open()
        outcomes = await page.evaluate("() => window.sent")
        assert outcomes == ["overflow", "overflow", "arrived", "withdrawn", "arrived"]
        await page.wait_for_function("() => window.bodies.filter(({ type }) => type === 'ai_end').length === 2")
        assert server.answering.asked == ["n3", "n5"]


async def test_a_message_that_is_too_large_is_refused_here(browser: Browser) -> None:
    """With its size in bytes, not characters; the connection stays."""
    async with channel_server(reversed_words) as server, page_of(browser, server) as page:
        await page.evaluate(CONNECT, [PATH, token(), {}])
        refused = await page.evaluate(
            "() => window.channel.send({ type: 'x', text: 'م'.repeat(9000) }).catch((e) => [e.kind, e.message])"
        )
        assert refused[0] == "too-large"
        assert "18" in refused[1]
        text = "م" * 2000
        assert await page.evaluate("(text) => window.ai.ask(text)", text) == f"{text} "


async def test_the_page_leaves_nothing_when_it_goes(browser: Browser) -> None:
    """Neither by `close`, twice, nor by going elsewhere."""
    async with channel_server(reversed_words) as server, page_of(browser, server) as page:
        await page.evaluate(CONNECT, [PATH, token(), {}])
        await page.wait_for_function(OPEN)
        await page.evaluate("() => { window.channel.close(); window.channel.close(); }")
        await until(lambda: len(server.channel.sessions) == 0)
        assert await told(page) == [("open", None), ("closed", "closed")]
        await page.evaluate(CONNECT, [PATH, token(), {}])
        await page.wait_for_function(OPEN)
        await page.goto("about:blank")
        await until(lambda: len(server.channel.sessions) == 0)


@asynccontextmanager
async def scripted(
    script: Callable[[dict[str, Any], Callable[..., Awaitable[None]]], Awaitable[None]],
) -> AsyncGenerator[str]:
    """A service that does what a test says: `script(frame, say)` for each frame of the page."""

    async def handle(request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse(timeout=0.5)
        await connection.prepare(request)

        async def say(frame: str, **fields: object) -> None:
            await connection.send_str(json.dumps({"frame": frame, **fields}))

        async for message in connection:
            if message.type is WSMsgType.TEXT:
                await script(json.loads(message.data), say)
        return connection

    app = web.Application()
    app.add_routes([web.get(PATH, handle)])
    async with serve(app) as server:
        yield server.url + PATH


async def test_a_dead_peer_is_noticed_by_the_heartbeat(browser: Browser) -> None:
    """Pings that stay unanswered are repeated before the connection is left; answered ones keep it."""
    pings: list[int] = []
    alive = True

    async def script(frame: dict[str, Any], say: Callable[..., Awaitable[None]]) -> None:
        if frame["frame"] == "hello":
            await say("welcome", v=1, session="s", resume="s.1", received=0)
        elif frame["frame"] == "ping":
            pings.append(1)
            if alive:
                await say("pong", ack=0)

    async with channel_server(reversed_words) as server, page_of(browser, server) as page, scripted(script) as url:
        await page.evaluate(CONNECT, [url, "t", {"heartbeatMs": 100, "deadPeerMs": 1600}])
        await page.wait_for_function("() => window.channel.figures.roundTripMs !== null")
        while len(pings) < 4:
            await asyncio.sleep(0.01)
        assert await told(page) == [("open", None)]
        alive = False
        pings.clear()
        await page.wait_for_function("() => window.told.some(({ state }) => state === 'away')")
        assert len(pings) >= 2
        assert (await page.evaluate("() => window.told[1].words")) == "the peer is dead"
        await page.wait_for_function(OPEN)
        await page.evaluate("() => window.channel.close()")


REPLIES: list[tuple[str, list[dict[str, Any]]]] = [
    ("failed", [{"type": "ai_part", "index": 0, "text": "a"}, {"type": "ai_part", "index": 2, "text": "c"}]),
    ("failed", [{"type": "ai_part", "index": 0, "text": "a"}, {"type": "ai_end", "parts": 2}]),
    ("failed", [{"type": "ai_part", "index": 0, "text": 7}]),
    ("busy", [{"type": "ai_error", "kind": "busy", "message": "later"}]),
    ("failed", [{"type": "ai_error", "kind": "odd"}]),
    (
        "a",
        [{"type": "ai_part", "index": 0, "text": "a"}, {"type": "ai_end", "parts": 1}, {"type": "ai_end", "parts": 1}],
    ),
]


async def test_a_wrong_reply_never_gives_a_wrong_answer(browser: Browser) -> None:
    """A missing part is a failure, whatever follows; what comes after the outcome is counted and dropped."""
    replies: list[dict[str, Any]] = []

    async def script(frame: dict[str, Any], say: Callable[..., Awaitable[None]]) -> None:
        if frame["frame"] == "hello":
            await say("welcome", v=1, session="s", resume="s.1", received=0)
        elif frame["frame"] == "message" and frame["body"]["type"] == "ai_request":
            for seq, body in enumerate(replies, 1):
                await say("message", seq=seq, ack=frame["seq"], body={**body, "id": frame["body"]["id"]})

    async with channel_server(reversed_words) as server, page_of(browser, server) as page, scripted(script) as url:
        for outcome, replies in REPLIES:  # noqa: B007  # the script reads them
            await page.evaluate(CONNECT, [url, "t", {}])
            assert await page.evaluate("() => window.ai.ask('hello').catch((error) => error.kind)") == outcome
            if outcome == "a":
                await page.wait_for_function("() => window.ai.figures.late === 1")
            await page.evaluate("() => window.channel.close()")


async def test_requests_beyond_the_limit_wait_and_can_be_cancelled(browser: Browser) -> None:
    """Two in flight, three waiting; the sixth is busy; a cancelled one that waits is never sent."""
    go_on = asyncio.Event()

    async def answer(text: str) -> AsyncGenerator[str]:
        await go_on.wait()
        yield text

    async with channel_server(answer) as server, page_of(browser, server) as page:
        await page.evaluate(
            """([url, token]) => {
              window.connect(url, token, {}, { mostInFlight: 2, mostWaiting: 3 });
              const stop = new AbortController();
              window.asked = Promise.all([1, 2, 3, 4, 5, 6].map((n) =>
                window.ai.ask(`n${n}`, n === 4 ? stop : {}).catch((error) => error.kind)));
              stop.abort();
            }""",
            [PATH, token()],
        )
        await until(lambda: len(server.answering.asked) == 2)
        go_on.set()
        assert await page.evaluate("() => window.asked") == ["n1", "n2", "n3", "cancelled", "n5", "busy"]
        assert sorted(server.answering.asked) == ["n1", "n2", "n3", "n5"]
        figures = await page.evaluate("() => window.ai.figures")
        assert (figures["asked"], figures["answered"]) == (6, 4)
        assert figures["errors"] == {"timeout": 0, "cancelled": 1, "refused": 0, "busy": 1, "failed": 0}
