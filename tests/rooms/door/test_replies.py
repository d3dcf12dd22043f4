"""Errors as JSON, and bodies that are read within bounds."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web

from rooms import replies
from rooms.replies import json_errors, read_body, short, too_many
from tests.rooms.door.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp.typedefs import Handler


def counting(*before: Any) -> web.Application:
    """Answers how long a body of at most 100 bytes is, as an application inside another one."""

    async def count(request: web.Request) -> web.Response:
        return web.json_response(len(await read_body(request, limit=100)))

    inner, outer = web.Application(middlewares=[json_errors, *before]), web.Application()
    inner.add_routes([web.post("/count", count)])
    outer.add_subapp("/inner", inner)
    return outer


async def post(app: web.Application, data: Any, **headers: str) -> tuple[int, Any]:
    async with (
        serving(app) as root,
        aiohttp.ClientSession() as http,
        http.post(f"{root}/inner/count", data=data, headers=headers) as answer,
    ):
        return answer.status, await answer.json()


async def chunks(count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * 10


@pytest.mark.parametrize(("size", "status"), [(0, 200), (100, 200), (101, 413), (20_000, 413)])
async def test_a_body_has_a_limit(size: int, status: int) -> None:
    """With a length that is told, in pieces, and compressed, where it is the size of what comes out."""
    answers = [
        await post(counting(), b"x" * size),
        await post(counting(), chunks(-(-size // 10))) if size != 101 else (413, None),
        await post(counting(), gzip.compress(b"x" * size), **{"Content-Encoding": "gzip"}),
    ]
    assert [found for found, _ in answers] == [status] * 3
    if status == 200:
        assert [length for _, length in answers] == [size] * 3


async def test_a_body_that_was_read_already_is_there() -> None:
    """By a middleware of the user's."""

    @web.middleware
    async def reads(request: web.Request, handler: Handler) -> web.StreamResponse:
        await request.read()
        return await handler(request)

    assert await post(counting(reads), b"x" * 50) == (200, 50)
    assert (await post(counting(reads), b"x" * 101))[0] == 413


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """408, and the connection ends."""
    monkeypatch.setattr(replies, "BODY_LIMIT_S", 0.05)
    async with serving(counting()) as root:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(root.rpartition(":")[2]))
        writer.write(b"POST /inner/count HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nx")
        async with asyncio.timeout(20):
            answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_who_hangs_up_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """In the middle of a body: nothing is logged as a failure of ours."""
    begun = asyncio.Event()

    @web.middleware
    async def tells(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun.set()
        return await handler(request)

    async with serving(counting(tells)) as root:
        _, writer = await asyncio.open_connection("127.0.0.1", int(root.rpartition(":")[2]))
        writer.write(b"POST /inner/count HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nx")
        await begun.wait()
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.2)
    assert "Error handling" not in caplog.text


def test_a_wait_is_whole_seconds() -> None:
    """At least one."""
    assert [too_many(wait).headers["Retry-After"] for wait in (0.001, 1.0, 1.1)] == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, None), (True, True), (7, 7), (1.5, 1.5), (float("inf"), "inf"), ("x" * 100, "x" * 80), ([1], "[1]")],
)
def test_a_value_is_repeated_short_and_as_json(value: object, told: object) -> None:
    """Numbers as they are, but for those that JSON has not."""
    assert short(value) == told
