"""The receiver over a real socket."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from aiohttp import web

from rooms.tokens import ApiKey
from rooms.webhooks.receiver import MAX_AGE_S, MOST_BYTES, PATH, Webhooks
from tests.rooms.door.serving import logged, serving
from tests.rooms.webhooks.signing import KEY, body_of, event, send, token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from livekit import api


class Receiver:
    """One with a subscriber that notes what it is told."""

    def __init__(self, **more: Any) -> None:
        self.hooks = Webhooks(KEY, **more)
        self.told: list[str] = []
        self.url = ""
        self.hooks.subscribe(self._note)

    async def _note(self, told: api.WebhookEvent) -> None:
        self.told.append(f"{told.event} {told.room.name}")

    async def has(self, count: int) -> None:
        async with asyncio.timeout(20):
            while len(self.told) < count:
                await asyncio.sleep(0.01)

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_post(PATH, self.hooks.handle)
        return app


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    async with receiver.hooks, serving(receiver.app()) as root:
        receiver.url = f"{root}{PATH}"
        yield receiver


async def test_an_event_is_told(receiver: Receiver) -> None:
    """Answered 200, and handed on with all that is in it; names that are not known yet are passed over."""
    assert await send(receiver.url, event(participant={"identity": "ada"}, ofTomorrow=[1])) == (
        200,
        {"status": "taken"},
    )
    await receiver.has(1)
    assert receiver.told == ["room_started one"]


async def test_a_repeated_event_is_told_once(receiver: Receiver) -> None:
    """LiveKit repeats what it got no answer to, at the same time or later: 200 each time, and once is enough."""
    body = body_of(event())
    answers = await asyncio.gather(*(send(receiver.url, body) for _ in range(20)))
    answers.append(await send(receiver.url, body))
    assert [status for status, _ in answers] == [200] * 21
    assert sorted(told["status"] for _, told in answers) == ["repeat"] * 20 + ["taken"]
    await send(receiver.url, event("room_finished"))
    await receiver.has(2)
    assert receiver.told == ["room_started one", "room_finished one"]


async def test_a_late_event_is_not_told(receiver: Receiver) -> None:
    """Older than LiveKit would send it: 200, so that it is not sent again, and nobody is told."""
    late = event(createdAt=str(int(time.time() - MAX_AGE_S - 5)))
    assert await send(receiver.url, late) == (200, {"status": "late"})
    assert (await send(receiver.url, event(createdAt=str(int(time.time() - MAX_AGE_S + 30)))))[1]["status"] == "taken"
    await receiver.has(1)
    assert receiver.told == ["room_started one"]
    status, told = await send(receiver.url, event(createdAt=str(int(time.time()) + 600)))
    assert (status, told["error"]["message"].partition(";")[0]) == (400, "createdAt: in the future")


async def test_a_beginning_after_its_end_is_not_told(receiver: Receiver) -> None:
    """Out of order: the track that is gone does not come back, in a room that is gone neither."""
    ada: dict[str, Any] = {"participant": {"sid": "PA_ada", "identity": "ada"}, "track": {"sid": "TR_one"}}
    assert (await send(receiver.url, event("track_unpublished", **ada)))[1]["status"] == "taken"
    assert (await send(receiver.url, event("track_published", **ada))) == (200, {"status": "overtaken"})
    assert (await send(receiver.url, event("room_finished")))[1]["status"] == "taken"
    assert (await send(receiver.url, event("participant_joined", **ada)))[1]["status"] == "overtaken"
    again = event(room="one") | {"room": {"name": "one", "sid": "RM_another"}}
    assert (await send(receiver.url, again))[1]["status"] == "taken"
    await receiver.has(3)
    assert receiver.told == ["track_unpublished one", "room_finished one", "room_started one"]


OTHER = ApiKey(KEY.key, "another-secret-" + "o" * 32)
BODY = body_of(event())
FORGED = {
    "no token": "",
    "no jwt": "x.y.z",
    "Bearer": f"Bearer {token(BODY)}",
    "another secret": token(BODY, OTHER),
    "another key": token(BODY, ApiKey("other", KEY.secret)),
    "another body": token(BODY + b" "),
    "no hash": token(BODY, sha256=None),
    "an empty hash": token(BODY, sha256=""),
    "a hash that is none": token(BODY, sha256="?"),
    "a number as hash": token(BODY, sha256=7),
    "expired": token(BODY, exp=int(time.time()) - 61),
    "for ever": token(BODY, exp=None),
    "of tomorrow": token(BODY, nbf=int(time.time()) + 86_400),
    "odd claims": token(BODY, video=[1]),
}


@pytest.mark.parametrize("signed", FORGED.values(), ids=FORGED)
async def test_a_forged_event_is_refused(receiver: Receiver, signed: str) -> None:
    """401, which LiveKit does not repeat; nobody is told, and the event itself is still welcome."""
    status, told = await send(receiver.url, BODY, signed=signed)
    assert status == 401
    assert told["error"]["message"].startswith("Authorization: ")
    assert receiver.hooks.stats.forged == 1
    assert receiver.told == []


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"7", 400),
        (b"null", 400),
        (b"\xff\xfe", 400),
        (b"[" * 50_000, 400),
        (b'{"room":' * 500, 400),
        (b'{"event": 7, "id": "EV_a", "createdAt": 1}', 400),
        (event(id=""), 400),
        (event(kind=""), 400),
        (event(createdAt="soon"), 400),
        (event(createdAt="99999999999999999999"), 400),
        ({**event(), "createdAt": None}, 400),
        ({**event(), "participant": [1]}, 400),
        ({**event(), "room": {"numParticipants": "many"}}, 400),
        (b" " * (MOST_BYTES + 1), 413),
    ],
)
async def test_what_is_signed_and_no_event_is_refused(receiver: Receiver, content: object, status: int) -> None:
    """400, or 413 for what is too large to be one."""
    found, told = await send(receiver.url, content)
    assert found == status
    assert told["error"]["message"].startswith(("body: ", "createdAt: "))
    assert receiver.told == []


async def test_another_content_type_is_refused(receiver: Receiver) -> None:
    """415 that says which one it must be."""
    status, told = await send(receiver.url, event(), content_type="application/json")
    assert (status, told["error"]["allowed"]) == (415, "application/webhook+json")


async def test_without_a_key_no_body_is_read(receiver: Receiver) -> None:
    """The refusal is there while the body is still on its way."""
    host, port = receiver.url.removeprefix("http://").removesuffix(PATH).split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        head = (
            f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Type: application/webhook+json\r\nContent-Length: 900\r\n\r\n"
        )
        writer.write(head.encode() + b"{")
        async with asyncio.timeout(20):
            assert (await reader.readline()).split()[1] == b"401"
    finally:
        writer.close()


async def test_too_many_on_the_way_are_asked_to_come_again() -> None:
    """503 with Retry-After, which LiveKit follows; the answer does not wait for the work, and no event is lost."""
    go = asyncio.Event()

    async def slow(_: api.WebhookEvent) -> None:
        await go.wait()

    receiver = Receiver(most_on_the_way=3, subscriber_limit_s=60)
    receiver.hooks.subscribe(slow)
    async with receiver.hooks, serving(receiver.app()) as root:
        url = f"{root}{PATH}"
        statuses = [(await send(url, event()))[0] for _ in range(3)]
        refused = body_of(event("room_finished"))
        assert [*statuses, (await send(url, refused))[0]] == [200, 200, 200, 503]
        go.set()
        await receiver.has(3)
        async with asyncio.timeout(20):
            while (await send(url, refused))[0] == 503:
                await asyncio.sleep(0.02)
        await receiver.has(4)
    assert receiver.told[-1] == "room_finished one"


async def test_a_receiver_that_does_not_run_takes_nothing() -> None:
    """503 before and after, so that LiveKit keeps the event for a while; what was taken is handed on at the end."""
    receiver = Receiver()
    async with serving(receiver.app()) as root:
        url, early = f"{root}{PATH}", body_of(event())
        assert (await send(url, early))[0] == 503
        async with receiver.hooks:
            assert (await send(url, early))[0] == 200
        assert receiver.told == ["room_started one"]
        assert (await send(url, event()))[0] == 503


async def test_who_left_is_not_told(receiver: Receiver) -> None:
    """Ending a subscription is allowed any number of times."""
    told: list[str] = []

    async def note(each: api.WebhookEvent) -> None:
        told.append(each.id)

    end = receiver.hooks.subscribe(note)
    await send(receiver.url, event(id="EV_1"))
    await receiver.has(1)
    end()
    end()
    await send(receiver.url, event(id="EV_2"))
    await receiver.has(2)
    assert told == ["EV_1"]


async def test_a_flood_of_forgeries_is_one_line_and_no_secret(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    """Anybody can send them, so the log is not theirs to fill."""
    caplog.set_level(logging.DEBUG)
    for signed in FORGED.values():
        await send(receiver.url, BODY, signed=signed)
    lines = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 1
    assert "a webhook is not LiveKit's" in lines[0]
    for secret in (KEY.secret, OTHER.secret, FORGED["another body"]):
        assert secret not in logged(caplog)
    assert receiver.hooks.stats.forged == len(FORGED)
