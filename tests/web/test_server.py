"""The requests of the page's server, without a browser."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from livekit import api

from rooms.dispatch import wait_for_agent
from tests.rooms.wire_worker import WireWorker
from tests.web.page_server import AGENT, PROVIDERS, PageServer, serve
from tests.web.talking_agent import talking_agent
from web import server
from web.server import page_app

if TYPE_CHECKING:
    from sim.livekit_server import LocalLiveKit


async def test_a_token_opens_its_room_and_brings_the_agent(page_server: PageServer, livekit: LocalLiveKit) -> None:
    """The answer's token is for the answer's room and identity, and the agent's job has the caller as metadata."""
    async with WireWorker(livekit.url, livekit.api_key, livekit.api_secret, AGENT) as worker:
        async with page_server.http.post(f"{page_server.url}/api/token", json={"name": "Ada"}) as response:
            ticket = await response.json()
            assert response.status == 200
            assert response.headers["Cache-Control"] == "no-store"
        job = await asyncio.wait_for(worker.jobs.get(), 10)
    assert set(ticket) == {"url", "token", "room", "identity"}
    assert ticket["url"] == livekit.url
    claims = jwt.decode(ticket["token"], livekit.api_secret, algorithms=["HS256"])
    assert (claims["sub"], claims["name"], claims["video"]["room"]) == (ticket["identity"], "Ada", ticket["room"])
    assert job.room.name == ticket["room"]
    assert job.metadata == f'{{"identity": "{ticket["identity"]}", "name": "Ada", "host": "127.0.0.1"}}'


async def test_each_call_has_a_room_of_its_own(page_server: PageServer) -> None:
    """Two requests, with no body and with an empty object, are two rooms and two callers."""
    tickets: list[dict[str, str]] = []
    for body in (b"", b"{}"):
        async with page_server.http.post(f"{page_server.url}/api/token", data=body) as response:
            tickets.append(await response.json())
    assert len({ticket["room"] for ticket in tickets}) == 2
    assert len({ticket["identity"] for ticket in tickets}) == 2


NAME = "text of at most 64 characters, none of them a control character"
SHAPE = '{} or {"name": <text>}'


@pytest.mark.parametrize(
    ("body", "field", "value", "allowed"),
    [
        (b"{", "body", "{", SHAPE),
        (b"\xff", "body", "\N{REPLACEMENT CHARACTER}", SHAPE),
        (b"[" * 4000, "body", "[" * 64, SHAPE),
        (b"[]", "body", "[]", SHAPE),
        (b'{"name": 7}', "name", 7, NAME),
        (b'{"name": "%s"}' % (b"x" * 65), "name", "x" * 65, NAME),
        (b'{"name": "a\\nb"}', "name", "a\nb", NAME),
        (b'{"room": "mine"}', "room", "mine", SHAPE),
    ],
)
async def test_a_wrong_body_is_named(
    page_server: PageServer, body: bytes, field: str, value: object, allowed: str
) -> None:
    """400 with the field, the value and what is allowed; a caller cannot choose a room."""
    async with page_server.http.post(f"{page_server.url}/api/token", data=body) as response:
        error = (await response.json())["error"]
    assert response.status == 400
    assert (error["field"], error["value"], error["allowed"]) == (field, value, allowed)
    assert error["message"].startswith(f"{field}: ")


async def test_a_huge_body_is_not_read(page_server: PageServer) -> None:
    """More than 4 KiB is 413, as JSON."""
    async with page_server.http.post(f"{page_server.url}/api/token", data=b" " * 5000) as response:
        assert response.status == 413
        assert "error" in await response.json()


@pytest.mark.parametrize("headers", [{"Origin": "https://evil.example"}, {"Host": "evil.example"}])
async def test_another_site_gets_no_token(page_server: PageServer, headers: dict[str, str]) -> None:
    """403, and no room is opened for it."""
    async with page_server.http.post(f"{page_server.url}/api/token", headers=headers) as response:
        assert response.status == 403
        assert "token" not in await response.json()


async def test_too_many_calls_are_asked_to_wait(page_server: PageServer) -> None:
    """Beyond the burst: 429 with Retry-After in whole seconds; the burst itself is answered."""
    url = f"{page_server.url}/api/token"

    async def ask() -> tuple[int, str | None]:
        # The limit counts wrong bodies too, which keeps LiveKit out of this test.
        async with page_server.http.post(url, data=b"{") as response:
            return response.status, response.headers.get("Retry-After")

    answers = await asyncio.gather(*(ask() for _ in range(2 * server.MINT_BURST)))
    assert [status for status, _ in answers].count(400) >= server.MINT_BURST
    assert (429, "1") in answers


async def test_livekit_that_does_not_answer_is_a_502(unused_tcp_port: int) -> None:
    """The answer says where nothing answers and what to do."""
    app = page_app(livekit_url=f"ws://127.0.0.1:{unused_tcp_port}", api_key="k", api_secret="s" * 32, agent_name="a")
    async with serve(app) as started, started.http.post(f"{started.url}/api/token") as response:
        assert response.status == 502
        message = (await response.json())["error"]["message"]
    assert message == (
        f"LiveKit does not answer at 127.0.0.1:{unused_tcp_port}; start livekit-server or correct LIVEKIT_URL"
    )


async def test_the_page_and_its_files_are_served(page_server: PageServer) -> None:
    """The page is compressed and not cached; what it links to is cached forever; the rest is a JSON 404 or 405."""
    gzipped = {"Accept-Encoding": "gzip"}
    async with page_server.http.get(page_server.url, headers=gzipped) as response:
        html = gzip.decompress(await response.read()).decode()
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-cache"
    link = html.split('src="', 1)[1].split('"', 1)[0]
    async with page_server.http.get(page_server.url + link, headers=gzipped) as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/javascript")
        assert "immutable" in response.headers["Cache-Control"]
        # The whole page is to stay light.
        assert len(await response.read()) < 350_000
    for method, path, status in (("GET", "/static/nothing.js", 404), ("GET", "/nothing", 404), ("PUT", "/", 405)):
        async with page_server.http.request(method, page_server.url + path) as response:
            assert response.status == status
            assert "error" in await response.json()
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]


async def test_no_file_outside_the_page_is_served(page_server: PageServer) -> None:
    """A path that climbs out of the folder finds nothing."""
    for name in ("..%2fserver.py", "%2e%2e%2fserver.py", "%2fetc%2fpasswd"):
        async with page_server.http.get(f"{page_server.url}/static/{name}") as response:
            assert response.status == 404


async def test_health_and_info(page_server: PageServer, livekit: LocalLiveKit) -> None:
    """Health is one word; info has the address, the agent's name and what was handed in, and no secret."""
    async with page_server.http.get(f"{page_server.url}/healthz") as response:
        assert await response.json() == {"status": "ok"}
    async with page_server.http.get(f"{page_server.url}/api/info") as response:
        text = await response.text()
        info: dict[str, Any] = await response.json()
    more = {"ice_servers": [], "ice_pool_size": 0, "channel": True, "room_metadata": ""}
    assert info == {"livekit_url": livekit.url, "agent_name": AGENT, "providers": PROVIDERS, **more}
    assert livekit.api_secret not in text


async def test_an_agent_that_takes_the_call_is_in_the_room(page_server: PageServer, livekit: LocalLiveKit) -> None:
    """From the request alone the agent comes to the caller's room, before the caller does."""
    agent = talking_agent(livekit.url)
    async with (
        WireWorker(livekit.url, livekit.api_key, livekit.api_secret, AGENT, agent),
        api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk,
    ):
        async with page_server.http.post(f"{page_server.url}/api/token") as response:
            room = (await response.json())["room"]
        assert (await wait_for_agent(lk, room, AGENT, timeout_s=10)).startswith("agent-")


async def test_a_standby_room_goes_to_the_first_and_a_new_one_to_the_second(livekit: LocalLiveKit) -> None:
    """The waiting room is handed out with the name in the token; without one the room is opened with metadata."""
    agent = "page-standby-test"
    app = page_app(
        livekit_url=livekit.url,
        api_key=livekit.api_key,
        api_secret=livekit.api_secret,
        agent_name=agent,
        standby_rooms=1,
    )
    async with (
        WireWorker(livekit.url, livekit.api_key, livekit.api_secret, agent, talking_agent(livekit.url)) as worker,
        serve(app) as started,
    ):
        async with asyncio.timeout(20):
            while not app[server.ENTRANCE].waiting:
                await asyncio.sleep(0.05)
        tickets: list[dict[str, str]] = []
        for name in ("Ada", "Bob"):
            async with started.http.post(f"{started.url}/api/token", json={"name": name}) as response:
                tickets.append(await response.json())
        jobs = [await asyncio.wait_for(worker.jobs.get(), 10) for _ in range(2)]
    claims = [jwt.decode(ticket["token"], livekit.api_secret, algorithms=["HS256"]) for ticket in tickets]
    assert [(claim["name"], claim["video"]["room"]) for claim in claims] == [
        ("Ada", jobs[0].room.name),
        ("Bob", jobs[1].room.name),
    ]
    assert jobs[0].metadata == ""
    assert jobs[1].metadata == f'{{"identity": "{tickets[1]["identity"]}", "name": "Bob", "host": "127.0.0.1"}}'


async def test_dispatch_at_join_leaves_the_room_to_the_join(livekit: LocalLiveKit) -> None:
    """The token brings the agent along; until then there is no room."""
    app = page_app(
        livekit_url=livekit.url,
        api_key=livekit.api_key,
        api_secret=livekit.api_secret,
        agent_name=AGENT,
        dispatch_at="join",
    )
    async with (
        serve(app) as started,
        started.http.post(f"{started.url}/api/token") as response,
        api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk,
    ):
        ticket = await response.json()
        assert not (await lk.room.list_rooms(api.ListRoomsRequest(names=[ticket["room"]]))).rooms
    claims = jwt.decode(ticket["token"], livekit.api_secret, algorithms=["HS256"])
    assert claims["roomConfig"]["agents"][0]["agentName"] == AGENT
