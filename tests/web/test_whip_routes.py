"""The WHIP requests without a browser: what is answered, what is refused, and what is left behind."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import aiohttp
import jwt
import pytest
from livekit import api

from observe.data_packets import TRANSPORT_ATTRIBUTE
from rooms.door.rate import Rate
from rooms.entrance import TRANSPORT
from rooms.tokens import new_name
from tests.rooms.wire_worker import WireWorker
from tests.web.whip_server import (
    AUDIO,
    FRAGMENT_TYPE,
    HEAD,
    OFFER,
    SDP_TYPE,
    Speaker,
    WhipServer,
    callers,
    is_open,
    text,
    whip_server,
)
from web.whip.call import MOST_CANDIDATES
from web.whip.fragment import MOST_FRAGMENT_BYTES
from web.whip.sdp import MOST_OFFER_BYTES

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

    from sim.livekit_server import LocalLiveKit

HOST = "a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host"
CREDENTIALS = ("a=ice-ufrag:abcd", "a=ice-pwd:asd88fgpdd777uzjYhagZgaa")
TRICKLE = text("m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", *CREDENTIALS, HOST, "a=end-of-candidates")
NEW = text("m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", "a=ice-ufrag:efgh", "a=ice-pwd:0123456789012345678901", HOST)


@pytest.fixture
def agent_name() -> str:
    return new_name("whip")


def worker(livekit: LocalLiveKit, agent_name: str, speaker: Speaker) -> WireWorker:
    return WireWorker(livekit.url, livekit.api_key, livekit.api_secret, agent_name, speaker)


async def post(server: WhipServer, body: str = OFFER, **options: Any) -> tuple[int, Any, CIMultiDictProxy[str]]:
    """Status, body and headers."""
    headers = SDP_TYPE | options.pop("headers", {})
    async with server.http.post(server.url, data=body, headers=headers, **options) as answer:
        told = await answer.json() if answer.content_type == "application/json" else await answer.text()
        return answer.status, told, answer.headers


async def patch(
    server: WhipServer, where: str, body: str, if_match: str | None, **headers: str
) -> tuple[int, Any, str]:
    """Status, body and ETag."""
    sent = {"Content-Type": FRAGMENT_TYPE} | headers | ({} if if_match is None else {"If-Match": if_match})
    async with server.http.patch(server.page + where, data=body, headers=sent) as answer:
        told = await answer.json() if answer.content_type == "application/json" else await answer.text()
        return answer.status, told, answer.headers.get("ETag", "")


async def until_closed(livekit: LocalLiveKit, room: str) -> None:
    async with asyncio.timeout(20):
        while await is_open(livekit, room):
            await asyncio.sleep(0.05)


async def test_a_call_from_its_offer_to_its_end(livekit: LocalLiveKit, agent_name: str) -> None:
    """POST, candidates, a restart, candidates under the new ETag, DELETE; at the end LiveKit has no caller."""
    speaker = Speaker(livekit.url)
    servers = [{"urls": "stun:stun.example"}]
    async with (
        worker(livekit, agent_name, speaker),
        whip_server(livekit, agent_name, ice_servers=lambda: servers) as server,
    ):
        status, answer, headers = await post(server, params={"name": "Ada"})
        assert (status, headers["Content-Type"], headers["Cache-Control"]) == (201, "application/sdp", "no-store")
        assert answer.count("a=sendrecv") == 1
        assert headers["Link"] == '<stun:stun.example>; rel="ice-server"'
        where, etag, room = headers["Location"], headers["ETag"], headers["X-Firstword-Room"]
        assert where.startswith("/api/whip/")
        assert len(where) > len("/api/whip/") + 20
        assert f"a=ice-ufrag:{etag}" in answer

        claims = jwt.decode(headers["X-Firstword-Token"], livekit.api_secret, algorithms=["HS256"])
        assert claims["sub"] == headers["X-Firstword-Identity"]
        assert (claims["name"], claims["video"]["room"]) == ("Ada", room)
        assert claims["attributes"][TRANSPORT] == "whip"
        assert await callers(livekit, room) == [claims["sub"]]

        assert (await patch(server, where, TRICKLE, etag))[0] == 204
        assert (await patch(server, where, TRICKLE, f'"{etag}"'))[0] == 204  # as a strict client sends it
        status, fragment, new = await patch(server, where, NEW, "*")
        assert status == 200
        assert new != etag
        assert f"a=ice-ufrag:{new}" in fragment
        assert (await patch(server, where, TRICKLE, etag))[0] == 412
        assert (await patch(server, where, TRICKLE, new))[0] == 400  # the old credentials
        assert (await patch(server, where, NEW, new))[0] == 204

        async with server.http.delete(server.page + where) as ended:
            assert ended.status == 200
        assert await callers(livekit, room) == []
        for again in (server.http.delete(server.page + where), server.http.patch(server.page + where)):
            async with again as gone:
                assert gone.status == 404
        assert len(server.calls) == 0


def test_the_attribute_is_the_agents() -> None:
    """By it the agent knows whom it has to send plain packets."""
    assert TRANSPORT == TRANSPORT_ATTRIBUTE


async def test_a_caller_without_an_agent_is_told_so(livekit: LocalLiveKit, agent_name: str) -> None:
    """503 with Retry-After once the limit is over; the caller is taken out again, and the room closed."""
    async with whip_server(livekit, agent_name, agent_limit_s=0.3) as server:
        status, told, headers = await post(server)
        assert (status, headers["Retry-After"]) == (503, "2")
        assert told["error"]["message"].startswith("no agent came within 0.3 s")
        async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
            async with asyncio.timeout(20):
                while [d for d in await _rooms(lk) if await _is_of(lk, d, agent_name)]:
                    await asyncio.sleep(0.05)
        assert len(server.calls) == 0


async def _rooms(lk: api.LiveKitAPI) -> list[str]:
    return [room.name for room in (await lk.room.list_rooms(api.ListRoomsRequest())).rooms]


async def _is_of(lk: api.LiveKitAPI, room: str, agent_name: str) -> bool:
    try:
        return any(each.agent_name == agent_name for each in await lk.agent_dispatch.list_dispatch(room))
    except api.ServerError:
        return False


@pytest.mark.parametrize("dispatch_at", ["token", "join"])
async def test_the_answer_waits_for_an_agent_that_is_late(
    livekit: LocalLiveKit, agent_name: str, dispatch_at: str
) -> None:
    """Until it has published its voice, and not a moment before."""
    speaker = Speaker(livekit.url)
    speaker.may_come.clear()
    async with (
        worker(livekit, agent_name, speaker) as hired,
        whip_server(livekit, agent_name, dispatch_at=dispatch_at, agent_limit_s=30) as server,
    ):
        calling = asyncio.create_task(post(server))
        job = await asyncio.wait_for(hired.jobs.get(), 20)
        async with asyncio.timeout(20):
            while not await callers(livekit, job.room.name):
                await asyncio.sleep(0.02)
        assert not calling.done()
        speaker.may_come.set()
        status, answer, headers = await calling
        assert status == 201
        assert "a=sendrecv" in answer
        assert headers["X-Firstword-Room"] == job.room.name


async def test_a_caller_who_gives_up_leaves_nobody_waiting(livekit: LocalLiveKit, agent_name: str) -> None:
    """The request is cut off while it waits: neither participant nor room is left, and its agent may go."""
    speaker = Speaker(livekit.url)
    speaker.may_come.clear()
    async with worker(livekit, agent_name, speaker) as hired, whip_server(livekit, agent_name) as server:
        async with aiohttp.ClientSession() as http:
            calling = asyncio.create_task(http.post(server.url, data=OFFER, headers=SDP_TYPE))
            job = await asyncio.wait_for(hired.jobs.get(), 20)
            async with asyncio.timeout(20):
                while not await callers(livekit, job.room.name):
                    await asyncio.sleep(0.02)
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)
        await until_closed(livekit, job.room.name)
        assert len(server.calls) == 0


async def test_a_caller_who_has_gone_is_forgotten(livekit: LocalLiveKit, agent_name: str) -> None:
    """Without a DELETE; one who was never connected leaves no agent behind either."""
    speaker = Speaker(livekit.url)
    async with worker(livekit, agent_name, speaker), whip_server(livekit, agent_name, look_every_s=0.1) as server:
        _, _, headers = await post(server)
        room, identity = headers["X-Firstword-Room"], headers["X-Firstword-Identity"]
        assert len(server.calls) == 1
        async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
            await lk.room.remove_participant(api.RoomParticipantIdentity(room=room, identity=identity))
        async with asyncio.timeout(20):
            while len(server.calls):
                await asyncio.sleep(0.02)
        await until_closed(livekit, room)
        assert (await patch(server, headers["Location"], TRICKLE, headers["ETag"]))[0] == 404


async def test_places_are_limited_and_come_free(livekit: LocalLiveKit, agent_name: str) -> None:
    """503 with Retry-After for one too many; a call that has ended makes room for the next."""
    async with (
        worker(livekit, agent_name, Speaker(livekit.url)),
        whip_server(livekit, agent_name, most_calls=1) as server,
    ):
        _, _, first = await post(server)
        status, _, headers = await post(server)
        assert (status, headers["Retry-After"]) == (503, "5")
        async with server.http.delete(server.page + first["Location"]):
            pass
        assert (await post(server))[0] == 201


async def test_offers_are_limited(livekit: LocalLiveKit, agent_name: str) -> None:
    """429 with Retry-After, before anything is read."""
    async with whip_server(livekit, agent_name, rate=Rate("2/minute")) as server:
        assert [(await post(server, "v"))[0] for _ in range(3)] == [400, 400, 429]
        assert int((await post(server, "v"))[2]["Retry-After"]) >= 1


@pytest.mark.parametrize(
    ("body", "options", "status", "field"),
    [
        ("v=1", {}, 400, "v"),
        (text(*HEAD, *AUDIO, "m=video 9 UDP/TLS/RTP/SAVPF 96"), {}, 400, "m"),
        (OFFER + "a=x\r\n" * (MOST_OFFER_BYTES // 4), {}, 413, None),
        (OFFER, {"headers": {"Content-Type": "application/json"}}, 415, "Content-Type"),
        (OFFER, {"params": {"name": "x" * 65}}, 400, "name"),
        (OFFER, {"params": {"name": "a\nb"}}, 400, "name"),
        (OFFER, {"headers": {"Origin": "https://evil.example"}}, 403, "Origin"),
    ],
)
async def test_a_wrong_offer_is_refused(
    livekit: LocalLiveKit, agent_name: str, body: str, options: dict[str, Any], status: int, field: str | None
) -> None:
    """Before a room is opened for it."""
    async with whip_server(livekit, agent_name) as server:
        found, told, _ = await post(server, body, **options)
        assert (found, told["error"].get("field")) == (status, field)


async def test_livekits_own_refusals_are_told(livekit: LocalLiveKit, agent_name: str) -> None:
    """An SDP that only livekit-server finds wrong is the page's fault; the room is closed again."""
    async with worker(livekit, agent_name, Speaker(livekit.url)) as hired, whip_server(livekit, agent_name) as server:
        status, told, _ = await post(server, OFFER.replace("t=0 0", "t=never"))
        assert status == 400
        assert told["error"]["message"].startswith("LiveKit refuses the offer: malformed SDP offer")
        job = await asyncio.wait_for(hired.jobs.get(), 20)
        await until_closed(livekit, job.room.name)


async def test_a_livekit_that_is_away_is_told(agent_name: str, unused_tcp_port: int) -> None:
    """502, as with a token; the server of the page itself starts all the same."""

    class Away:
        url = f"ws://127.0.0.1:{unused_tcp_port}"
        api_key = "key"
        api_secret = "secret-of-thirty-two-characters-or-more"

    for dispatch_at in ("token", "join"):
        async with whip_server(Away, agent_name, dispatch_at=dispatch_at) as server:  # pyright: ignore[reportArgumentType] - only these are read
            status, told, _ = await post(server)
            assert status == 502
            assert told["error"]["message"].startswith("LiveKit does not answer at 127.0.0.1")


async def test_wrong_fragments_are_refused(livekit: LocalLiveKit, agent_name: str) -> None:
    """Each before it reaches livekit-server; the call goes on."""
    async with worker(livekit, agent_name, Speaker(livekit.url)), whip_server(livekit, agent_name) as server:
        _, _, headers = await post(server)
        where, etag = headers["Location"], headers["ETag"]
        for body, if_match, kind, expected in (
            (TRICKLE, None, FRAGMENT_TYPE, 428),
            (TRICKLE, "stale", FRAGMENT_TYPE, 412),
            (TRICKLE, etag, "application/sdp", 415),
            (TRICKLE.replace("a=mid:0", "a=mid:1"), etag, FRAGMENT_TYPE, 400),
            (TRICKLE.replace("abcd", "dcba"), etag, FRAGMENT_TYPE, 400),
            (TRICKLE + "a=fingerprint:sha-256 AB\r\n", etag, FRAGMENT_TYPE, 400),
            (text("m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0"), "*", FRAGMENT_TYPE, 400),
            ("x" * (MOST_FRAGMENT_BYTES + 1), etag, FRAGMENT_TYPE, 413),
        ):
            status, told, _ = await patch(server, where, body, if_match, **{"Content-Type": kind})
            assert (status, "message" in told["error"]) == (expected, True), (body[:60], told)
        many = text("m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0", *[HOST] * 35)
        found = [(await patch(server, where, many, etag))[0] for _ in range(3)]
        assert found == [204, 204, 400], f"more than {MOST_CANDIDATES} candidates"
        assert (await patch(server, "/api/whip/of-somebody-else", TRICKLE, etag))[0] == 404
        found = await asyncio.gather(*(patch(server, where, TRICKLE, "stale") for _ in range(130)))
        assert {status for status, _, _ in found} == {412, 429}


async def test_what_may_be_asked_is_told(livekit: LocalLiveKit, agent_name: str) -> None:
    """OPTIONS and 405, as RFC 9725 has them."""
    async with whip_server(livekit, agent_name) as server:
        async with server.http.options(server.url) as told:
            assert (told.status, told.headers["Accept-Post"]) == (204, "application/sdp")
        async with server.http.options(f"{server.url}/any") as told:
            assert (told.status, told.headers["Accept-Patch"]) == (204, FRAGMENT_TYPE)
        async with server.http.get(server.url) as told:
            assert (told.status, told.headers["Allow"]) == (405, "OPTIONS,POST")


async def test_no_token_is_in_the_log(livekit: LocalLiveKit, agent_name: str, caplog: pytest.LogCaptureFixture) -> None:
    """At any level, of a call that works and of one that does not; and a call has one line at most at INFO."""
    caplog.set_level(logging.DEBUG)
    async with worker(livekit, agent_name, Speaker(livekit.url)), whip_server(livekit, agent_name) as server:
        _, _, headers = await post(server)
        await post(server, OFFER.replace("t=0 0", "t=never"))
        async with server.http.delete(server.page + headers["Location"]):
            pass
    assert "eyJ" not in caplog.text
    ours = [record for record in caplog.records if record.name == "whip" and record.levelno >= logging.INFO]
    assert len(ours) <= 2
