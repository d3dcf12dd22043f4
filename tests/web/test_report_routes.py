"""The requests for reports, without a browser."""

from __future__ import annotations

import json
import logging
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from aiohttp import web

from rooms.tokens import ApiKey, caller_token
from tests.web.page_server import PageServer, serve
from tests.web.test_report_shape import report
from web.reports.desk import LONGEST_CALL_S, Received, ReportDesk
from web.reports.routes import CALLER_RATES, MOST_REPORT_BYTES, SHAPE, add_report_routes

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

KEY = ApiKey("key", "secret-of-the-report-tests-0123456789")
OTHER = ApiKey("key", "another-secret-0123456789-0123456789")


def token(key: ApiKey = KEY, *, room: str = "room", ago_s: float = 0) -> str:
    """The caller's, signed `ago_s` seconds ago."""
    if ago_s == 0:
        return caller_token(key, room=room, identity="caller")
    claims = jwt.decode(caller_token(key, room=room, identity="caller"), options={"verify_signature": False})
    claims |= {"exp": int(time.time() - ago_s) + 120, "nbf": int(time.time() - ago_s)}
    return jwt.encode(claims, key.secret, algorithm="HS256")


@asynccontextmanager
async def desk_server(desk: ReportDesk) -> AsyncGenerator[PageServer]:
    app = web.Application()
    add_report_routes(app, desk)
    async with serve(app) as server:
        yield server


async def post(server: PageServer, body: object, kind: str = "text/plain;charset=UTF-8") -> tuple[int, Any]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with server.http.post(f"{server.url}/api/report", data=data, headers={"Content-Type": kind}) as response:
        text = await response.text()
        return response.status, json.loads(text)["error"] if text else None


async def test_a_report_is_kept_logged_and_told_on(caplog: pytest.LogCaptureFixture) -> None:
    """As text and as JSON; the list has the newest first and no more than are kept; the line has room and figures."""
    told: list[Received] = []

    async def tell(received: Received) -> None:
        told.append(received)
        raise RuntimeError("the database is away")

    caplog.set_level(logging.INFO)
    async with desk_server(ReportDesk(KEY, kept=2, told=tell)) as server:
        for room in ("one", "two", "three"):
            body = {"token": token(room=room), "report": report(room=room)}
            assert await post(server, body, "application/json" if room == "two" else "text/plain") == (204, None)
        async with server.http.get(f"{server.url}/api/reports") as response:
            listed = (await response.json())["reports"]
            assert response.headers["Cache-Control"] == "no-store"
    assert [(entry["room"], entry["identity"]) for entry in listed] == [("three", "caller"), ("two", "caller")]
    assert listed[0]["report"]["call"]["gaps_ms"] == [800, 600.5, 700]
    assert [received.room for received in told] == ["one", "two", "three"]
    line = next(record for record in caplog.records if record.msg == "call as the caller heard it")
    assert (vars(line)["room"], vars(line)["first_word_ms"], vars(line)["agent_first_word_ms"]) == ("one", 151, 90)
    assert token(room="one") not in caplog.text


async def test_only_the_caller_reports_their_call() -> None:
    """A token of another key, one that is no token, one that is too old, and one of another room."""
    desk = ReportDesk(KEY)
    async with desk_server(desk) as server:
        for wrong in (token(OTHER), "no token", token(ago_s=LONGEST_CALL_S + 600)):
            status, error = await post(server, {"token": wrong, "report": report()})
            assert (status, error["field"], error["value"]) == (401, "token", "***")
        status, error = await post(server, {"token": token(room="other"), "report": report()})
        assert (status, error["field"], error["value"], error["allowed"]) == (400, "report.call.room", "room", "other")
        assert desk.newest() == []
        # A long call's token has expired by its end.
        assert await post(server, {"token": token(ago_s=LONGEST_CALL_S - 600), "report": report()}) == (204, None)


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        (b"{", 400, "body"),
        (b"[]", 400, "body"),
        (b'{"token": "a", "token": "b"}', 400, "body"),
        (b'{"token": NaN}', 400, "body"),
        (b"[" * 50_000, 400, "body"),
        (b'{"more": 1}', 400, "more"),
        (b'{"report": {}}', 400, "token"),
        (json.dumps({"token": token()}).encode(), 400, "report"),
        (json.dumps({"token": token(), "report": {"v": 1}}).encode(), 400, "report.made_at"),
        (b" " * (MOST_REPORT_BYTES + 1), 413, None),
    ],
)
async def test_a_wrong_body_is_refused(body: bytes, status: int, field: str | None) -> None:
    """With the field at fault where there is one, and never by a crash."""
    async with desk_server(ReportDesk(KEY)) as server:
        answered, error = await post(server, body)
    assert answered == status
    assert error.get("field") == field
    if field == "body":
        assert error["allowed"] == SHAPE


async def test_one_caller_reports_so_often() -> None:
    """More than that is 429 with Retry-After, for this caller alone."""
    most = int(CALLER_RATES[0].split("/", maxsplit=1)[0])
    desk = ReportDesk(KEY)
    async with desk_server(desk) as server:
        body = {"token": token(), "report": report()}
        answers = [(await post(server, body))[0] for _ in range(most + 1)]
        assert answers == [204] * most + [429]
        assert (await post(server, {"token": token(room="two"), "report": report(room="two")}))[0] == 204
