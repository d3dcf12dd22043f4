"""The service's end over real sockets: who is let in, what a session survives, and why a connection is closed."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import jwt
import pytest

from rooms.channel.frames import MOST_FRAME_BYTES, Code
from rooms.channel.session import ChannelLimits
from rooms.tokens import ApiKey
from tests.rooms.channel.serving import KEY, LIMITS, service, token

if TYPE_CHECKING:
    from collections.abc import Callable


def signed(video: dict[str, object], *, identity: str = "ada", ttl_s: float = 3600) -> str:
    """A JWT that livekit-api would not make, made when the tests are collected."""
    now_s = time.time()
    claims = {"iss": KEY.key, "sub": identity, "nbf": now_s - 7200, "exp": now_s + ttl_s, "video": video}
    return jwt.encode(claims, KEY.secret, algorithm="HS256")


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.01)


async def test_a_request_is_answered_in_parts() -> None:
    """Numbered from 0, their number in the end; the service acknowledges what it got."""
    async with service() as running, running.page() as page:
        welcome = await page.hello()
        assert (welcome["frame"], welcome["received"]) == ("welcome", 0)
        await page.ask("3 parts")
        bodies = await page.bodies(4)
        assert [body["type"] for body in bodies] == ["ai_part"] * 3 + ["ai_end"]
        assert [(body["index"], body["text"]) for body in bodies[:3]] == [(0, "0 "), (1, "1 "), (2, "2 ")]
        assert bodies[3] == {"type": "ai_end", "id": "r1", "parts": 3}
        await page.say("ping", ack=4)
        assert await page.hear() == {"frame": "pong", "ack": 1}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("nothing like a token", Code.UNAUTHENTICATED),
        (token(key=ApiKey(KEY.key, "another-secret-0123456789-0123456789")), Code.UNAUTHENTICATED),
        (signed({"roomJoin": True, "room": "room"}, ttl_s=-3600), Code.UNAUTHENTICATED),
        (signed({"roomJoin": True}), Code.FORBIDDEN),
        (signed({"room": "room"}), Code.FORBIDDEN),
        (signed({"roomJoin": True, "room": "room"}, identity=""), Code.FORBIDDEN),
    ],
    ids=["no token", "another key", "expired", "no room", "may not join", "nobody"],
)
async def test_who_is_not_let_in(given: str, code: Code, caplog: pytest.LogCaptureFixture) -> None:
    """By close code and words; the token is neither told nor logged."""
    async with service() as running, running.page() as page:
        await page.say("hello", v=1, token=given, client="page-1", received=0)
        told, words = await page.closed()
        assert told == code
        assert words
        assert given not in words + caplog.text
        assert len(running.channel.sessions) == 0


async def test_a_session_is_resumed_after_its_token_has_expired() -> None:
    """What was sent meanwhile, and what was not acknowledged, comes over the next connection."""
    async with service() as running:
        async with running.page() as page:
            resume = (await page.hello())["resume"]
            await page.ask("2 parts")
            await page.hear()
            page.cut()
        async with running.page() as again:
            welcome = await again.hello(resume=resume)
            assert (welcome["resume"], welcome["received"]) == (resume, 1)
            assert [body["type"] for body in await again.bodies(3)] == ["ai_part", "ai_part", "ai_end"]
            assert len(running.channel.sessions) == 1


async def test_a_lost_welcome_is_said_again() -> None:
    """On the same connection and on the next one, by the page's own id: it is the same session."""
    async with service() as running, running.page() as page:
        first = await page.hello()
        assert await page.hello() == first
        await page.say("hello", v=1, resume=first["resume"], received=0)
        assert await page.hear() == first
        async with running.page() as next_page:
            assert await next_page.hello() == first
            assert (await page.closed())[0] in (None, 1006)
            assert len(running.channel.sessions) == 1


async def test_the_newest_page_of_a_participant_counts() -> None:
    """The older one is told, and cannot come back; another participant is not touched."""
    async with service() as running, running.page() as other, running.page() as old, running.page() as new:
        await other.hello(token=token("bob"), client="page-9")
        resume = (await old.hello())["resume"]
        await new.hello(token=token(), client="page-2")
        assert (await old.closed())[0] == Code.REPLACED
        async with running.page() as back:
            await back.say("hello", v=1, resume=resume, received=0)
            assert (await back.closed())[0] == Code.UNKNOWN
        await other.ask("still here")
        assert (await other.bodies(1))[0]["text"] == "still here"
        assert len(running.channel.sessions) == 2


async def test_a_session_that_is_left_expires() -> None:
    """And what was being answered in it is cancelled."""
    async with service(replace(LIMITS, keep_s=0.05)) as running:
        async with running.page() as page:
            resume = (await page.hello())["resume"]
            await page.ask("wait")
            page.cut()
        await until(lambda: len(running.channel.sessions) == 0)
        async with running.page() as late:
            await late.say("hello", v=1, resume=resume, received=0)
            assert (await late.closed())[0] == Code.UNKNOWN


async def test_a_page_that_says_goodbye_leaves_nothing() -> None:
    """By the code of an end in order, at once."""
    async with service() as running:
        async with running.page() as page:
            await page.hello()
            await page.ask("wait")
            await page.socket.close(code=1000)
        await until(lambda: len(running.channel.sessions) == 0)


@pytest.mark.parametrize(
    ("limits", "hello", "words"),
    [
        (replace(LIMITS, hello_s=0.05), False, "no hello for 0.05 s"),
        (replace(LIMITS, dead_peer_s=0.05), True, "nothing was heard for 0.05 s"),
    ],
)
async def test_a_page_that_is_silent_is_left(limits: ChannelLimits, hello: bool, words: str) -> None:
    """Before its hello, and after it; its session is kept."""
    async with service(limits) as running, running.page() as page:
        if hello:
            await page.hello()
        assert await page.closed() == (Code.SILENT, words)
        assert len(running.channel.sessions) == hello


async def test_too_many_frames_are_refused_for_a_while() -> None:
    """Also over the next connection: the seconds to wait are in the words."""
    async with service(replace(LIMITS, messages_a_second=0.1, burst=5)) as running, running.page() as page:
        resume = (await page.hello())["resume"]
        for _ in range(6):
            await page.say("ping", ack=0)
        code, words = await page.closed()
        assert code == Code.TOO_MANY
        assert json.loads(words)["retry_after_s"] == LIMITS.busy_retry_after_s
        async with running.page() as again:
            await again.hello(resume=resume)
            await again.say("ping", ack=0)
            assert (await again.closed())[0] == Code.TOO_MANY


async def test_a_full_service_sends_pages_away_for_a_while() -> None:
    """Those that have a session come back to it."""
    async with service(replace(LIMITS, most_sessions=1)) as running, running.page() as page, running.page() as other:
        resume = (await page.hello())["resume"]
        await other.say("hello", v=1, token=token("bob"), client="page-2", received=0)
        code, words = await other.closed()
        assert (code, json.loads(words)["retry_after_s"]) == (Code.FULL, LIMITS.busy_retry_after_s)
        async with running.page() as again:
            assert (await again.hello(resume=resume))["resume"] == resume


async def test_connections_have_a_rate_of_their_own() -> None:
    """Of all pages together, told before anything is read."""
    async with service(entry_rates=["1/minute"]) as running, running.page() as page, running.page() as other:
        await page.hello()
        await other.say("hello", v=1, token=token("bob"), client="page-2", received=0)
        code, words = await other.closed()
        assert code == Code.TOO_MANY
        assert 0 < json.loads(words)["retry_after_s"] <= 60


async def test_a_frame_has_a_limit() -> None:
    """WebSocket's own code for one that is too big; one just below it is read."""
    async with service() as running, running.page() as page:
        await page.hello()
        await page.socket.send_str(json.dumps({"frame": "ping", "ack": 0, "x": "y" * (MOST_FRAME_BYTES - 60)}))
        assert (await page.hear())["frame"] == "pong"
        await page.socket.send_str("x" * (MOST_FRAME_BYTES + 1))
        assert (await page.closed())[0] == 1009


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ("{", "frame: not JSON"),
        ("[]", "frame: not JSON, allowed: an object"),
        ('{"frame": "shout"}', "frame: must be hello, message, ack or ping"),
        ('{"frame": "ack", "ack": -1}', "ack: must be a whole number"),
        ('{"frame": "ack", "ack": true}', "ack: must be a whole number"),
        ('{"frame": "ack", "ack": 7}', "ack: 7 was never sent"),
        ('{"frame": "message", "seq": 1, "ack": 0, "body": []}', "body: not an object"),
        ('{"frame": "message", "seq": 1, "ack": 0, "body": {"type": "x"}}', "type: must be ai_request or ai_cancel"),
        ('{"frame": "message", "seq": 1, "ack": 0, "body": {"type": "ai_request", "id": ""}}', "id: must be text"),
        ('{"frame": "hello", "v": 1, "received": 0, "resume": "x.y"}', "a hello for another session"),
        ('{"frame": "hello", "v": 2, "received": 0, "resume": "x.y"}', "v: must be 1"),
        (b"\x00\x01", "frame: must be text, not binary"),
    ],
)
async def test_what_is_no_frame_ends_the_session(frame: str | bytes, words: str) -> None:
    """The words say which field, and what is allowed."""
    async with service() as running, running.page() as page:
        await page.hello()
        await (page.socket.send_bytes(frame) if isinstance(frame, bytes) else page.socket.send_str(frame))
        code, told = await page.closed()
        assert code == Code.MALFORMED
        assert told.startswith(words)
        await until(lambda: len(running.channel.sessions) == 0)


async def test_a_service_that_stops_says_so() -> None:
    """To each page, with a code after which pages come back; what was being answered is cancelled."""
    async with service() as running, running.page() as page:
        await page.hello()
        await page.ask("wait")
        await page.hear()
        closing = asyncio.create_task(running.channel.aclose())
        assert (await page.closed())[0] == Code.STOPPING
        await page.socket.close()
        await closing


async def test_a_page_that_does_not_listen_fills_no_memory() -> None:
    """Its answers wait at their source."""
    async with service(replace(LIMITS, most_waiting=4, burst=100_000)) as running, running.page() as page:
        await page.hello()
        await page.ask("1000 parts")
        [session] = list(running.channel.sessions._by_name.values())  # pyright: ignore[reportPrivateUsage] looked at
        await until(lambda: "4 waiting, 64 under way" in repr(session))
        bodies = await page.bodies(1001)
        assert bodies[-1] == {"type": "ai_end", "id": "r1", "parts": 1000}
        assert [body["index"] for body in bodies[:-1]] == list(range(1000))


async def test_a_get_without_upgrade_is_refused() -> None:
    """400, not a crash."""
    async with service() as running, running.http.get(f"{running.url}/api/channel") as response:
        assert response.status == 400


def test_the_limits_are_checked() -> None:
    """By name."""
    with pytest.raises(ValueError, match="hello_s: got 0, allowed: above 0"):
        ChannelLimits(hello_s=0)
