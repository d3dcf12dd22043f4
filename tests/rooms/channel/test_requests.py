"""Each request that a page makes has one end, whatever answers it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from rooms.channel.frames import Code, Refused
from rooms.channel.requests import MOST_TEXT_CHARS, RequestDesk
from rooms.channel.session import Caller
from tests.rooms.channel.serving import Echo

if TYPE_CHECKING:
    from collections.abc import Mapping


class Desk:
    """A desk, and what it sends."""

    def __init__(self, **options: Any) -> None:
        self.echo = Echo(Caller("room", "ada"))
        self.sent: asyncio.Queue[Mapping[str, Any]] = asyncio.Queue()
        self.desk = RequestDesk(self.sent.put, self.echo, **options)

    async def __aenter__(self) -> Desk:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.desk.aclose()
        assert self.echo.open == 0

    def ask(self, text: object, request: str = "r1") -> None:
        self.desk.take({"type": "ai_request", "id": request, "text": text})

    async def end(self) -> tuple[str, str]:
        """Type or kind of the next end, and its words."""
        while (body := await self.sent.get())["type"] == "ai_part":
            pass
        return body.get("kind", body["type"]), body.get("message", "")


@pytest.mark.parametrize("text", ["", "  ", "x" * (MOST_TEXT_CHARS + 1), None, 7, "\ud800"])
async def test_a_text_that_cannot_be_asked_is_refused(text: object) -> None:
    """It says how long one may be; the agent does not hear of it."""
    async with Desk() as desk:
        desk.ask(text)
        assert await desk.end() == ("refused", f"text: must have 1 to {MOST_TEXT_CHARS} characters")


async def test_more_than_there_is_room_for_are_busy() -> None:
    """Until one of them is cancelled: its place is free at once."""
    async with Desk(most_at_once=2) as desk:
        desk.ask("wait", "a")
        desk.ask("wait", "b")
        desk.ask("hello", "c")
        assert (await desk.end())[0] == "busy"
        desk.desk.take({"type": "ai_cancel", "id": "a"})
        desk.ask("hello", "d")
        assert (await desk.end())[0] == "ai_end"


async def test_an_answer_that_fails_tells_nothing_of_why() -> None:
    """Only that it failed; the secret stays here."""
    async with Desk() as desk:
        desk.ask("fail")
        assert await desk.end() == ("failed", "the answer failed")


async def test_an_answer_that_takes_too_long_is_ended() -> None:
    """With a kind of its own."""
    async with Desk(limit_s=0.05) as desk:
        desk.ask("wait")
        assert await desk.end() == ("timeout", "the answer was not complete within 0.05 s")


async def test_a_request_is_asked_once() -> None:
    """The same id again, while it is answered, is no request; a cancel of what is not known is nothing."""
    async with Desk() as desk:
        desk.ask("wait")
        desk.desk.take({"type": "ai_cancel", "id": "unknown"})
        with pytest.raises(Refused, match="id: this request is being answered") as refused:
            desk.ask("hello")
        assert refused.value.code is Code.MALFORMED
