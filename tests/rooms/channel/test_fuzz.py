"""Whatever a page sends, it is read or the connection is closed with a code and words."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from rooms.channel.frames import MOST_WORDS_BYTES, Ack, Code, Hello, Message, Ping, Refused, read_frame
from tests.rooms.channel.serving import LIMITS, service, token

if TYPE_CHECKING:
    import pytest

PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
NAMES = st.sampled_from(
    ["frame", "v", "token", "client", "resume", "received", "seq", "ack", "body", "type", "id", "text"]
)
KINDS = st.sampled_from(["hello", "message", "ack", "ping", "welcome", "ai_request", "ai_cancel"])
FRAMES = st.dictionaries(NAMES, st.integers(-1, 3) | KINDS | VALUES, max_size=8)


@given(st.text() | FRAMES.map(json.dumps) | VALUES.map(json.dumps))
@example("[" * 100_000)
@example('{"frame": "ack", "ack": ' + "9" * 5000 + "}")
@example('{"frame": "ack", "frame": "ping", "ack": 0}')
@example('{"frame": "hello", "v": 1, "received": 0, "resume": "\\ud800"}')
@example('{"frame": "ack", "ack": NaN}')
def test_a_text_is_a_frame_or_is_refused(text: str) -> None:
    """Refused as malformed, in words that fit into a close frame."""
    refusal: Refused | None = None
    frame = None
    try:
        frame = read_frame(text)
    except Refused as error:
        refusal = error
    if refusal is None:
        assert isinstance(frame, Hello | Message | Ack | Ping)
    else:
        assert refusal.code is Code.MALFORMED
        assert 0 < len(refusal.reason) <= MOST_WORDS_BYTES
        assert refusal.reason.decode()


def mangled(random: Random) -> str | bytes:
    """A frame that a page could send, with one thing wrong, or two."""
    body = {
        "type": random.choice(["ai_request", "ai_cancel", "x"]),
        "id": random.choice(["a", 7, "y" * 70]),
        "text": "a",
    }
    frame: dict[str, object] = {
        "frame": random.choice(["message", "message", "ack", "ping", "hello", "pong", 4]),
        "seq": random.choice([1, 2, 0, -1, 2**60, "1", None, 1.5]),
        "ack": random.choice([0, 0, 0, 9, -1, "0", []]),
        "body": random.choice([body, body, body, [], None, "text"]),
        "v": random.choice([1, 2]),
        "received": random.choice([0, 5, -5]),
        "resume": random.choice(["", "a.b", "\ud800", "z" * 9000]),
    }
    text = json.dumps(frame)
    cut = random.randrange(len(text))
    match random.randrange(4):
        case 0:
            return text[:cut]
        case 1:
            return text[:cut] + random.choice('{}[]",:\x00é') + text[cut + 1 :]
        case 2:
            return text.encode()
        case _:
            return text


async def test_a_service_survives_whatever_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    """200 connections with mangled frames before and after the hello; then a good page is served as ever."""
    random, codes = Random(8), set[int | None]()
    async with service(replace(LIMITS, dead_peer_s=0.5, hello_s=0.5)) as running:
        for number in range(200):
            async with running.page() as page:
                if number % 2:
                    await page.hello(token=token(f"caller-{number}"), client="page")
                for _ in range(6):
                    sent = mangled(random)
                    if isinstance(sent, bytes):
                        await page.socket.send_bytes(sent)
                    elif page.socket.closed:
                        break
                    else:
                        await page.socket.send_str(sent)
                await page.socket.send_str("the last one is none for sure")
                code, words = await page.closed()
                assert words
                codes.add(code)
        async with running.page() as page:
            await page.hello()
            await page.ask("hello")
            assert (await page.bodies(2))[0]["text"] == "hello"
            while len(running.channel.sessions) > 1:
                await asyncio.sleep(0.01)
    assert codes == {Code.MALFORMED, Code.UNAUTHENTICATED, Code.UNKNOWN}
    assert not [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")]
