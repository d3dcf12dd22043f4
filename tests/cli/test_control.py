"""`control` as an operator runs it: tokens, webhooks, limits and figures of a real livekit-server, and its end."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import aiohttp
import pytest
import pytest_asyncio
from livekit import api
from program import Program, free_ports, new_project, program, ran

from sim.caller import Caller
from sim.livekit_server import LocalLiveKit, Webhook

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

TOKEN = "a-token-of-the-operator"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ELSEWHERE = {"X-Forwarded-For": "203.0.113.7"}


def environment(livekit: LocalLiveKit, port: int, **changes: str) -> dict[str, str]:
    return {
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
        "CONTROL_PORT": str(port),
        "CONTROL_TOKEN": TOKEN,
        **changes,
    }


async def asked(port: int, method: str, path: str, **options: Any) -> tuple[int, Any]:
    """Status, and what the JSON says; the text of what is none."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"http://127.0.0.1:{port}{path}", **options) as answer,
    ):
        is_json = answer.content_type == "application/json"
        return answer.status, await (answer.json() if is_json else answer.text())


async def ready(it: Program) -> None:
    await it.says('"control plane is ready"')


async def test_it_is_served_from_first_to_last(tmp_path: Path) -> None:
    """A caller joins with its token, LiveKit's own webhook makes the count true, the settings change, a signal ends."""
    port = free_ports(1)
    async with (
        LocalLiveKit(webhook=Webhook([f"http://127.0.0.1:{port}/webhook"])) as livekit,
        program(new_project(tmp_path), "control", **environment(livekit, port, ROOM_LIMITS__MAX_ROOMS="2")) as it,
    ):
        await ready(it)
        assert await asked(port, "GET", "/healthz") == (200, {"livekit": "connected"})
        status, ticket = await asked(port, "POST", "/door/token", json={"room_name": "desk"})
        assert status == 201
        async with Caller(ticket["server_url"], ticket["participant_token"], name="ada"):
            # A room that nobody asked for here: only the webhook can tell of it before the next look.
            async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
                await lk.room.create_room(api.CreateRoomRequest(name=f"other-{uuid4().hex[:6]}"))
            async with asyncio.timeout(10):
                while (await asked(port, "GET", "/api/stats"))[1]["limits"]["rooms"] < 2:
                    await asyncio.sleep(0.05)
            status, full = await asked(port, "POST", "/door/token", json={"room_name": "third"})
            assert (status, full["error"]["field"]) == (409, "max_rooms")
        status, told = await asked(
            port, "PATCH", "/api/performance", json={"quality_monitoring": {"interval_s": 0.1}}, headers=BEARER
        )
        assert (status, told["quality_monitoring"]["interval_s"]) == (200, 0.1)
        async with asyncio.timeout(10):
            while (await asked(port, "GET", "/api/quality"))[1]["api"] is None:
                await asyncio.sleep(0.05)
        assert "firstword_quality_api_score" in (await asked(port, "GET", "/metrics"))[1]
        it.signal(signal.SIGTERM)
        assert await it.ends() == 0
        assert livekit.api_secret not in it.output
        assert TOKEN not in it.output


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def control(tmp_path_factory: pytest.TempPathFactory, livekit: LocalLiveKit) -> AsyncIterator[int]:
    """The port of one that runs."""
    port = free_ports(1)
    project = new_project(tmp_path_factory.mktemp("control"))
    async with program(project, "control", **environment(livekit, port)) as it:
        await ready(it)
        yield port


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/door/token"), ("GET", "/api/quality"), ("GET", "/api/stats"), ("GET", "/metrics")],
)
async def test_other_machines_need_the_token(control: int, method: str, path: str) -> None:
    """What a proxy has passed on is not of this machine; the settings need the token from here, too."""
    assert (await asked(control, method, path, headers=ELSEWHERE))[0] in (401, 403)
    assert (await asked(control, method, path, headers=ELSEWHERE | {"Authorization": f"Bearer {TOKEN}x"}))[0] in (
        401,
        403,
    )
    assert (await asked(control, method, path, headers=ELSEWHERE | BEARER))[0] in (200, 201)
    assert (await asked(control, "GET", "/api/performance"))[0] == 401


async def test_what_it_lacks_is_named(tmp_path: Path) -> None:
    """Exit code 2 and a line, for settings that are missing and for a file that is wrong."""
    told = await ran(new_project(tmp_path), "control")
    assert (told.code, told.output) == (
        2,
        "`control` cannot do without LIVEKIT_URL, LIVEKIT_API_KEY, LIVEKIT_API_SECRET",
    )
    (tmp_path / "performance.yaml").write_text("room_limits: {max_rooms: none}\n")
    livekit = {"LIVEKIT_URL": "ws://127.0.0.1:1", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s"}
    told = await ran(new_project(tmp_path), "control", **livekit)
    assert told.code == 2
    assert "room_limits.max_rooms: got 'none', allowed: a whole number of 1 or more or null" in told.output


async def test_a_port_that_is_taken_ends_it(tmp_path: Path, livekit: LocalLiveKit, control: int) -> None:
    """Exit code 3, and the setting's name."""
    told = await ran(new_project(tmp_path), "control", **environment(livekit, control))
    assert told.code == 3
    assert told.output.startswith(f"CONTROL_PORT: got {control}, ")
    assert told.output.endswith("address already in use")


async def test_it_starts_without_livekit_and_says_so(tmp_path: Path) -> None:
    """503 until LiveKit is there; no token meanwhile."""
    port = free_ports(2)
    livekit = {"LIVEKIT_URL": f"ws://127.0.0.1:{port + 1}", "LIVEKIT_API_KEY": "k", "LIVEKIT_API_SECRET": "s" * 32}
    settings = livekit | {"CONTROL_PORT": str(port), "CONNECTION_POOL__ACQUIRE_TIMEOUT_S": "1"}
    async with program(new_project(tmp_path), "control", **settings) as it:
        await ready(it)
        status, told = await asked(port, "GET", "/healthz")
        assert status == 503
        assert told["livekit"] != "connected"
        it.signal(signal.SIGTERM)
        assert await it.ends() == 0
