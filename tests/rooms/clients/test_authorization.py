"""Tokens of requests: as livekit-api signs them, and signed once for many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit import api

from rooms.clients import authorization as module
from rooms.clients.authorization import Authorization
from rooms.tokens import ApiKey

if TYPE_CHECKING:
    import pytest
    from livekit.api.access_token import Claims

KEY = ApiKey("key", "secret-secret-secret-secret-secret")


def grants_of(header: dict[str, str]) -> Claims:
    assert list(header) == ["authorization"]
    scheme, token = header["authorization"].split()
    assert scheme == "Bearer"
    return api.TokenVerifier(KEY.key, KEY.secret).verify(token)


def test_a_token_says_what_was_asked_for_and_no_more() -> None:
    """Each kind has its own; nothing of one is in another."""
    sign = Authorization(KEY)
    listing = grants_of(sign(api.VideoGrants(room_list=True))).video
    of_room = grants_of(sign(api.VideoGrants(room_admin=True, room="one"))).video
    assert listing is not None
    assert of_room is not None
    assert (listing.room_list, listing.room_admin, listing.room) == (True, None, "")
    assert (of_room.room_list, of_room.room_admin, of_room.room) == (None, True, "one")
    sip = grants_of(sign(None, api.SIPGrants(call=True))).sip
    assert sip is not None
    assert sip.call


def test_the_same_is_signed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Until its time is over."""
    sign, signed = Authorization(KEY), 0
    real = api.AccessToken.to_jwt

    def to_jwt(self: api.AccessToken) -> str:
        nonlocal signed
        signed += 1
        return real(self)

    monkeypatch.setattr(api.AccessToken, "to_jwt", to_jwt)
    for room in ("one", "two", "one", "two"):
        sign(api.VideoGrants(room_admin=True, room=room))
    assert signed == 2
    monkeypatch.setattr(module, "KEPT_S", 0.0)
    sign(api.VideoGrants(room_admin=True, room="one"))
    assert signed == 3


def test_it_does_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service sees a new room with every call."""
    monkeypatch.setattr(module, "MOST", 3)
    sign = Authorization(KEY)
    for number in range(10):
        sign(api.VideoGrants(room_admin=True, room=str(number)))
    kept = vars(sign)["_signed"]
    assert len(kept) <= 3


def test_no_secret_in_a_repr() -> None:
    """Nor a token."""
    sign = Authorization(KEY)
    sign(api.VideoGrants(room_list=True))
    assert repr(sign) == "<Authorization key>"
