"""Passes signed by one's own backend."""

from __future__ import annotations

import time
from typing import Any

import jwt
import pytest
from aiohttp.test_utils import make_mocked_request

from rooms.door.caller import Caller
from rooms.door.passes import AUDIENCE, SignedPasses

SECRET = "s" * 32
CLAIMS: dict[str, Any] = {"aud": AUDIENCE, "sub": "ada", "rooms": ["one", "two-*"], "exp": 4_000_000_000}


async def caller_of(given: str, scheme: str = "Bearer") -> Caller | None:
    return await SignedPasses(SECRET)(make_mocked_request("POST", "/", {"Authorization": f"{scheme} {given}"}))


async def test_a_pass_says_who_and_where_and_how_long() -> None:
    """Issued here or signed elsewhere."""
    before = time.time()
    caller = await caller_of(SignedPasses(SECRET).issue("ada", ["one", "two-*"], ttl_s=60, name="Ada"))
    assert caller is not None
    assert (caller.identity, caller.rooms, caller.name) == ("ada", ("one", "two-*"), "Ada")
    assert caller.until_s is not None
    assert 59 < caller.until_s - before < 70
    assert await caller_of(jwt.encode(CLAIMS, SECRET, "HS256")) == Caller(
        "ada", ("one", "two-*"), until_s=4_000_000_000
    )


@pytest.mark.parametrize(
    "given",
    [
        "",
        "no.pass.atall",
        "x" * 5000,
        jwt.encode(CLAIMS, "t" * 32, "HS256"),
        jwt.encode(CLAIMS, None, "none"),
        jwt.encode(CLAIMS, SECRET + "x" * 32, "HS512"),
        jwt.encode(CLAIMS | {"exp": time.time() - 1}, SECRET, "HS256"),
        jwt.encode(CLAIMS | {"aud": "another"}, SECRET, "HS256"),
        *(jwt.encode({k: v for k, v in CLAIMS.items() if k != left}, SECRET, "HS256") for left in CLAIMS),
        jwt.encode(CLAIMS | {"rooms": "*"}, SECRET, "HS256"),
        jwt.encode(CLAIMS | {"rooms": [""]}, SECRET, "HS256"),
        jwt.encode(CLAIMS | {"rooms": [7]}, SECRET, "HS256"),
        jwt.encode(CLAIMS | {"sub": ""}, SECRET, "HS256"),
        jwt.encode(CLAIMS | {"name": 7}, SECRET, "HS256"),
    ],
)
async def test_any_other_pass_is_nobodys(given: str) -> None:
    """Another secret, no signature, another algorithm, expired, for another door, or a claim missing or odd."""
    assert await caller_of(given) is None


async def test_only_bearer() -> None:
    """A good pass under another scheme is none."""
    assert await caller_of(jwt.encode(CLAIMS, SECRET, "HS256"), "Basic") is None


def test_a_pass_for_nobody_is_not_issued() -> None:
    """And no secret that could be guessed is taken, nor shown."""
    with pytest.raises(ValueError, match="identity and rooms"):
        SignedPasses(SECRET).issue("", ["one"], ttl_s=60)
    with pytest.raises(ValueError, match="identity and rooms"):
        SignedPasses(SECRET).issue("ada", "one", ttl_s=60)
    with pytest.raises(ValueError, match="32 or more"):
        SignedPasses("short")
    assert SECRET not in repr(SignedPasses(SECRET))


@pytest.mark.parametrize(
    ("rooms", "room", "may"),
    [
        (("one",), "one", True),
        (("one",), "one2", False),
        (("two-*",), "two-1", True),
        (("two-*",), "two", False),
        (("*",), "any", True),
        ((), "any", False),
        (("[a-z]",), "b", False),
    ],
)
def test_rooms_are_names_or_beginnings(rooms: tuple[str, ...], room: str, may: bool) -> None:
    """No other pattern."""
    assert Caller("ada", rooms).may_enter(room) is may
