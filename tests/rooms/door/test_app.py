"""The door over a real socket, and its tokens at a real livekit-server."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import jwt
import pytest
from aiohttp import web
from livekit import rtc

from rooms.door.app import door_app
from rooms.door.caller import Caller
from rooms.door.passes import SignedPasses
from rooms.door.rate import Rate
from rooms.limits.reached import LimitReached
from rooms.tokens import ApiKey
from tests.rooms.door.serving import logged, serving

if TYPE_CHECKING:
    from sim.livekit_server import LocalLiveKit

KEY = ApiKey("APIkey", "livekit-secret-" + "l" * 32)
PASSES = SignedPasses("pass-secret-" + "p" * 32)
URL = "wss://livekit.example"


def door(key: ApiKey = KEY, url: str = URL, **more: Any) -> web.Application:
    app = web.Application()
    app.add_subapp("/door", door_app(url, key, **more))
    return app


async def ask(root: str, body: object = None, given: str = "", **headers: str) -> tuple[int, dict[str, Any]]:
    """The status and the answer; `given` is a pass."""
    sent = {"Content-Type": "application/json", **headers} | ({"Authorization": f"Bearer {given}"} if given else {})
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{root}/door/token", data=data, headers=sent) as answer,
    ):
        told = await answer.json()
        if "Retry-After" in answer.headers:
            told["retry_after"] = answer.headers["Retry-After"]
        return answer.status, told


def claims_of(told: dict[str, Any]) -> dict[str, Any]:
    return jwt.decode(told["participant_token"], KEY.secret, algorithms=["HS256"])


async def test_a_pass_gives_a_token_with_the_least_grants() -> None:
    """One room, one identity, a microphone, data and listening, for two minutes; the agent comes along."""
    async with serving(door(authenticate=PASSES, agent_name="helper")) as root:
        status, told = await ask(root, {"room_name": "one"}, PASSES.issue("ada", ["one", "two"], ttl_s=600, name="Ada"))
    assert status == 201
    assert {name: told[name] for name in ("server_url", "room_name", "participant_name")} == {
        "server_url": URL,
        "room_name": "one",
        "participant_name": "Ada",
    }
    claims = claims_of(told)
    assert claims["video"] == {
        "roomJoin": True,
        "room": "one",
        "canPublish": True,
        "canSubscribe": True,
        "canPublishData": True,
        "canPublishSources": ["microphone"],
    }
    assert (claims["sub"], claims["name"], claims["exp"] - claims["nbf"]) == ("ada", "Ada", 120)
    assert claims["roomConfig"]["agents"] == [{"agentName": "helper", "metadata": '{"identity": "ada", "name": "Ada"}'}]


async def test_less_may_be_asked_for() -> None:
    """Who only listens gets a token that only listens; and it does not outlive the pass."""
    async with serving(door(authenticate=PASSES)) as root:
        body = {"grants": {"canPublish": False, "canPublishData": False}}
        _, told = await ask(root, body, PASSES.issue("ada", ["one"], ttl_s=30))
    claims = claims_of(told)
    assert claims["video"] == {
        "roomJoin": True,
        "room": "one",
        "canPublish": False,
        "canSubscribe": True,
        "canPublishData": False,
    }
    assert claims["exp"] - claims["nbf"] <= 30
    assert "roomConfig" not in claims


async def test_expired_wrong_room_over_granted() -> None:
    """401, 403, 403: in words that name field, value and what is allowed, and no token."""
    good = PASSES.issue("ada", ["one"], ttl_s=600)
    async with serving(door(authenticate=PASSES)) as root:
        expired = await ask(root, {"room_name": "one"}, PASSES.issue("ada", ["one"], ttl_s=-1))
        wrong = await ask(root, {"room_name": "another"}, good)
        over = await ask(root, {"room_name": "one", "grants": {"roomAdmin": True}}, good)
        nobody = await ask(root, {"room_name": "one"})
    assert expired == (401, {"error": {"message": "not authenticated, or no longer"}})
    assert nobody == expired
    error = wrong[1]["error"]
    assert (wrong[0], error["field"], error["value"], error["allowed"]) == (403, "room_name", "another", "one")
    error = over[1]["error"]
    assert (over[0], error["field"], error["value"]) == (403, "grants.roomAdmin", True)
    assert error["message"] == "grants.roomAdmin: more than a caller may have"
    assert error["allowed"] == "roomJoin, canPublish (microphone), canPublishData, canSubscribe"


async def test_the_authentication_is_plugged() -> None:
    """Any function of the request; what it says may end while the body comes; one that fails lets nobody in."""

    async def by_cookie(request: web.Request) -> Caller | None:
        who = request.cookies.get("session")
        if who == "broken":
            raise RuntimeError("the session store is gone")
        return Caller(who, (f"{who}-*",), until_s=time.time() + 60) if who else None

    async with serving(door(authenticate=by_cookie)) as root:
        assert (await ask(root))[0] == 401
        status, told = await ask(root, {"room_name": "ada-1"}, Cookie="session=ada")
        assert (status, claims_of(told)["sub"]) == (201, "ada")
        assert (await ask(root, {"room_name": "bob-1"}, Cookie="session=ada"))[0] == 403
        status, told = await ask(root, None, Cookie="session=ada")
        assert (status, told["error"]["message"]) == (400, "room_name: which of your rooms?")
        assert await ask(root, None, Cookie="session=broken") == (
            500,
            {"error": {"message": "the authentication failed"}},
        )


async def test_without_authentication_it_is_for_this_machine_only() -> None:
    """On loopback anybody gets a room; through a proxy, for another host or another site's page nobody does."""
    async with serving(door()) as root:
        status, told = await ask(root)
        assert status == 201
        assert claims_of(told)["video"]["room"] == told["room_name"] != ""
        assert (await ask(root, {"room_name": "mine"}))[1]["room_name"] == "mine"
        headers = [{"X-Forwarded-For": "192.0.2.7"}, {"Host": "evil.example"}, {"Origin": "https://evil.example"}]
        for each in headers:
            status, told = await ask(root, None, **each)
            assert status == 403
            assert "open to its own machine only" in told["error"]["message"]
        assert (await ask(root, {"grants": {"roomAdmin": True}}))[0] == 403


async def test_on_another_address_without_authentication_nobody_gets_in() -> None:
    """The door of a server on all interfaces, asked under this machine's own address."""
    address = await own_address()
    if address is None:
        pytest.skip("this machine has loopback only")
    async with serving(door(), "0.0.0.0") as root:
        port = root.rpartition(":")[2]
        status, told = await ask(f"http://{address}:{port}", None, Host=f"127.0.0.1:{port}")
    assert status == 403
    assert f"it comes from {address}" in told["error"]["message"]


async def own_address() -> str | None:
    """An address of this machine that is not loopback; nothing is sent."""
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=("192.0.2.1", 9))
    except OSError:
        return None
    try:
        return str(transport.get_extra_info("sockname")[0])
    finally:
        transport.close()


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 9000, "application/json", 400),
        (b'{"room_name": "one", "room_name": "two"}', "application/json", 400),
        (b"{}" + b" " * 20_000, "application/json", 413),
        (b"room_name=one", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/plain", 415),
    ],
)
async def test_a_wrong_body_is_refused(body: bytes, content_type: str, status: int) -> None:
    """With a status of its own each; a form of another site's page is not read at all."""
    async with serving(door()) as root:
        assert (await ask(root, body, **{"Content-Type": content_type}))[0] == status


async def test_another_method_and_another_path_are_json_too() -> None:
    """405 with what is allowed, 404."""
    async with serving(door()) as root, aiohttp.ClientSession() as http:
        async with http.get(f"{root}/door/token") as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "POST")
            assert "error" in await answer.json()
        async with http.post(f"{root}/door/key") as answer:
            assert answer.status == 404
            assert "error" in await answer.json()


async def test_an_address_and_a_caller_may_ask_so_often() -> None:
    """429 with Retry-After: a caller after theirs, and an address before anybody looks at its pass."""
    app = door(authenticate=PASSES, per_address=Rate("8/hour"), per_caller=Rate("3/hour"))
    async with serving(app) as root:
        ada, bob = (PASSES.issue(name, ["one"], ttl_s=600) for name in ("ada", "bob"))
        statuses = [(await ask(root, None, ada))[0] for _ in range(5)]
        assert statuses == [201, 201, 201, 429, 429]
        assert [(await ask(root, None, bob))[0], (await ask(root, None, "forged"))[0]] == [201, 401]
        assert (await ask(root, None, "forged"))[0] == 401
        status, told = await ask(root, None, bob)
    assert status == 429
    assert 1 <= int(told["retry_after"]) <= 3600


async def test_behind_a_proxy_the_user_says_where_it_comes_from() -> None:
    """Each address has its own rate then."""

    def address_of(request: web.Request) -> str:
        return request.headers["X-Real-IP"]

    app = door(authenticate=PASSES, per_address=Rate("1/hour"), address_of=address_of)
    given = PASSES.issue("ada", ["one"], ttl_s=600)
    async with serving(app) as root:
        found = [
            (await ask(root, None, given, **{"X-Real-IP": ip}))[0] for ip in ("192.0.2.1", "192.0.2.1", "192.0.2.2")
        ]
    assert found == [201, 429, 201]


class Full:
    """Seats: none in "full", LiveKit away in "away"."""

    def __init__(self) -> None:
        self.admitted: list[tuple[str, str]] = []

    async def admit(self, room: str, identity: str, *, hold_s: float = 0) -> None:
        if room == "full":
            raise LimitReached("max_participants_per_room", allowed=50, count=50, what="participants", room=room)
        if room == "away":
            raise aiohttp.ClientConnectionError
        self.admitted.append((room, identity))


async def test_the_participant_too_many_is_told_so() -> None:
    """409 with the limit, how many there are and how many may be; 502 if LiveKit cannot be asked."""
    seats = Full()
    async with serving(door(authenticate=PASSES, admission=seats)) as root:
        given = PASSES.issue("ada", ["*"], ttl_s=600)
        assert (await ask(root, {"room_name": "free"}, given))[0] == 201
        status, told = await ask(root, {"room_name": "full"}, given)
        assert (await ask(root, {"room_name": "away"}, given))[0] == 502
    error = told["error"]
    assert (status, error["field"], error["value"], error["allowed"]) == (409, "max_participants_per_room", 50, "50")
    assert seats.admitted == [("free", "ada")]


async def test_livekit_takes_the_token_and_no_expired_one(livekit: LocalLiveKit) -> None:
    """Who asks here is in the room a moment later, and cannot come with a token whose time is over."""
    key = ApiKey(livekit.api_key, livekit.api_secret)
    async with serving(door(key, livekit.url)) as root:
        _, told = await ask(root)
    room = rtc.Room()
    await room.connect(told["server_url"], told["participant_token"])
    try:
        assert room.name == told["room_name"]
        assert room.local_participant.identity.startswith("caller-")
    finally:
        await room.disconnect()
    claims = jwt.decode(told["participant_token"], key.secret, algorithms=["HS256"])
    old = jwt.encode(claims | {"exp": int(time.time()) - 120}, key.secret, "HS256")
    late = livekit.url.replace("ws:", "http:") + "/rtc/validate"
    async with aiohttp.ClientSession() as http, http.get(late, params={"access_token": old}) as answer:
        assert answer.status == 401


async def test_no_secret_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Neither LiveKit's, nor the passes', nor a pass or a token, whatever is asked."""
    for name in ("", "aiohttp.access", "aiohttp.server", "door"):  # the service's own logging quiets some of them
        caplog.set_level(logging.DEBUG, logger=name or None)
    good = PASSES.issue("ada", ["one"], ttl_s=600)
    async with serving(door(authenticate=PASSES)) as root:
        _, told = await ask(root, None, good)
        for body, given in ((b"{", good), ({"room_name": "two"}, good), (None, good + "x"), (b" " * 20_000, good)):
            await ask(root, body, given)
    assert caplog.records
    for secret in (KEY.secret, "pass-secret-", good, good.rpartition(".")[2], told["participant_token"]):
        assert secret not in logged(caplog)


def test_a_life_of_nothing_is_an_error() -> None:
    """At the start."""
    with pytest.raises(ValueError, match="ttl_s"):
        door_app(URL, KEY, ttl_s=0)
