"""Who asks for a token, as the authentication has found, and what that allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from aiohttp import web


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose word is good for `identity`, until `until_s` (seconds since 1970; None: for now).

    `rooms` are names, or beginnings of names with a `*` at their end: "support-*"; "*" is any room. `name` is shown in
    the room; empty: as the request says.
    """

    identity: str
    rooms: tuple[str, ...]
    name: str = ""
    until_s: float | None = None

    def may_enter(self, room: str) -> bool:
        return any(room.startswith(each[:-1]) if each.endswith("*") else room == each for each in self.rooms)


class Authenticate(Protocol):
    """Yours to write: a session cookie, a key in a header, your identity provider."""

    async def __call__(self, request: web.Request, /) -> Caller | None:
        """Who asks; None answers 401. Looks at the headers only: the body is read after it."""
        ...
