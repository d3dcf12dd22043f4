"""The endpoint of the performance settings, over a real socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web

from rooms.performance.endpoint import PATH, performance_app
from rooms.performance.live import LivePerformance
from tests.rooms.door.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

TOKEN = "a-token-that-nobody-guesses"
IN = {"Authorization": f"Bearer {TOKEN}"}


@pytest_asyncio.fixture
async def live() -> AsyncIterator[LivePerformance]:
    async with LivePerformance() as live:
        yield live


@pytest_asyncio.fixture
async def url(live: LivePerformance) -> AsyncIterator[str]:
    app = web.Application()
    app.add_subapp(PATH, performance_app(live, token=TOKEN))
    async with serving(app) as root:
        yield f"{root}{PATH}"


async def ask(method: str, url: str, **more: Any) -> tuple[int, dict[str, Any]]:
    async with aiohttp.ClientSession() as http, http.request(method, url, **more) as answer:
        return answer.status, await answer.json()


async def test_the_settings_are_read_and_changed(url: str, live: LivePerformance) -> None:
    """GET tells what holds; PATCH changes one field and tells what holds then."""
    assert await ask("GET", url, headers=IN) == (200, live.current.model_dump())
    status, told = await ask("PATCH", url, headers=IN, json={"room_limits": {"max_rooms": 20}})
    assert (status, told["room_limits"]["max_rooms"]) == (200, 20)
    assert live.current.room_limits.max_rooms == 20
    assert live.current.model_dump() == told


async def test_a_wrong_value_is_named_and_nothing_changes(url: str, live: LivePerformance) -> None:
    """400 with field, value and what is allowed, for each fault."""
    changes = {"room_limits": {"max_rooms": 20, "too_many": "kick"}, "connection_pool": {"pool_size": 1000}}
    status, told = await ask("PATCH", url, headers=IN, json=changes)
    assert status == 400
    faults = [(each["field"], each["value"], each["allowed"]) for each in told["error"]["faults"]]
    assert faults == [
        ("connection_pool.pool_size", 1000, "a whole number from 1 to 100"),
        ("room_limits.too_many", "kick", "mute, remove"),
    ]
    assert told["error"]["field"] == "connection_pool.pool_size"
    assert live.current.room_limits.max_rooms == 10


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'{"a": 1, "a": 2}', 400),
        (b'{"a": NaN}', 400),
        (b"[" * 9000, 400),
        (b" " * 17000, 413),
    ],
)
async def test_a_wrong_body_is_refused(url: str, body: bytes, status: int) -> None:
    """No JSON, no object, a name twice, a number that is none, nested to death, huge."""
    found, told = await ask("PATCH", url, headers=IN, data=body)
    assert found == status
    assert told["error"]["message"].startswith("body: ")


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": TOKEN}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": "Bearer ä"}],
)
@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_without_the_token_nobody_is_let_in(url: str, method: str, headers: dict[str, str]) -> None:
    """401, from this machine too, and the settings are not told."""
    status, told = await ask(method, url, headers=headers, json={})
    assert status == 401
    assert list(told) == ["error"]


async def test_without_a_token_of_its_own_it_is_closed(live: LivePerformance) -> None:
    """403 for everybody; and a token that is short is not taken at all."""
    app = web.Application()
    app.add_subapp(PATH, performance_app(live, token=None))
    async with serving(app) as root:
        for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}):
            assert (await ask("GET", f"{root}{PATH}", headers=headers))[0] == 403
    with pytest.raises(ValueError, match="16 or more"):
        performance_app(live, token="short")


async def test_another_method_is_a_405(url: str) -> None:
    """As JSON, with what is allowed."""
    async with aiohttp.ClientSession() as http, http.delete(url, headers=IN) as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET,HEAD,PATCH"
        assert "error" in await answer.json()
