"""Passes: a signed word of your own backend, who may ask for a token, for which rooms, for how long."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt

from rooms.door.caller import Caller

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aiohttp import web

AUDIENCE = "firstword-door"
SHORTEST_SECRET = 32
LONGEST_PASS = 4096


class SignedPasses:
    """An `Authenticate` for `Authorization: Bearer <pass>`; a pass is a JWT (HS256) that your backend signs.

    Its claims: `aud` "firstword-door", `sub` the identity, `rooms` a list as in `Caller`, `exp`, and `name` if you
    like. Any language can make one; Python by `issue`. The secret is not LiveKit's: who may sign passes need not be
    able to sign tokens. Raises ValueError for a secret below 32 characters.
    """

    def __init__(self, secret: str) -> None:
        if len(secret) < SHORTEST_SECRET:
            raise ValueError(f"secret: got {len(secret)} characters, must be {SHORTEST_SECRET} or more")
        self._secret = secret

    def __repr__(self) -> str:
        return "SignedPasses()"

    def issue(self, identity: str, rooms: Sequence[str], *, ttl_s: float, name: str = "") -> str:
        """A pass for `identity`. Raises ValueError for an empty identity and for no rooms."""
        if not identity or not rooms or isinstance(rooms, str):
            raise ValueError(f"identity and rooms: got {identity!r} and {rooms!r}, must be a text and a list of names")
        claims = {"aud": AUDIENCE, "sub": identity, "rooms": list(rooms), "exp": time.time() + ttl_s, "name": name}
        return jwt.encode(claims, self._secret, algorithm="HS256")

    async def __call__(self, request: web.Request, /) -> Caller | None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or len(given) > LONGEST_PASS:
            return None
        try:
            claims: dict[str, Any] = jwt.decode(
                given.strip(),
                self._secret,
                algorithms=["HS256"],
                audience=AUDIENCE,
                options={"require": ["exp", "sub", "aud"]},
            )
        except (jwt.PyJWTError, ValueError):
            return None
        rooms, name = claims.get("rooms"), claims.get("name", "")
        if not isinstance(rooms, list) or not all(isinstance(each, str) and each for each in rooms):
            return None
        if not claims["sub"] or not isinstance(name, str):
            return None
        return Caller(claims["sub"], tuple(rooms), name, until_s=float(claims["exp"]))
