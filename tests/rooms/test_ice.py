"""What a WHIP page is told about STUN and TURN. With a real coturn: tests/deploy/test_coturn.py."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import TYPE_CHECKING

import pytest

from rooms.ice import IceConfig, ice_servers

if TYPE_CHECKING:
    from tests.conftest import MakeSettings

SECRET = "a-secret-that-two-servers-share"
URLS = ("stun:one", "turn:two:3478?transport=udp", "TURNS:two:443?transport=tcp", "stun:three")


def test_stun_servers_need_no_password() -> None:
    """One entry for all of them; nothing at all where nothing is set."""
    assert ice_servers(IceConfig(("stun:one", "stun:two")), "ada", now_s=0) == [{"urls": ["stun:one", "stun:two"]}]
    assert ice_servers(IceConfig(), "ada", now_s=0) == []


def test_a_turn_password_is_as_coturn_and_the_draft_have_it() -> None:
    """The user name is the end of its life and whose it is, the password its HMAC-SHA1 in base64."""
    servers = ice_servers(IceConfig(URLS, SECRET, ttl_s=600.0), "caller-1", now_s=1_700_000_000.9)
    name = "1700000600:caller-1"
    password = base64.b64encode(hmac.new(SECRET.encode(), name.encode(), hashlib.sha1).digest()).decode()
    assert servers == [
        {"urls": ["stun:one", "stun:three"]},
        {"urls": [URLS[1], URLS[2]], "username": name, "credential": password},
    ]
    assert json.loads(json.dumps(servers)) == servers


def test_a_known_password() -> None:
    """The bytes themselves: `printf '1433895918:ninefingers' | openssl dgst -sha1 -hmac north -binary | base64`."""
    (server,) = ice_servers(IceConfig(("turn:host",), "north", ttl_s=1), "ninefingers", now_s=1_433_895_917)
    assert server["credential"] == "jy8hTxmOO7UtEKXqSkSlvakPVYA="


@pytest.mark.parametrize("url", ["turn:host", "TURNS:host"])
def test_turn_without_a_secret_is_refused(url: str) -> None:
    """Nobody could use it."""
    with pytest.raises(ValueError, match=r"^turn_secret: got '', must"):
        IceConfig(("stun:host", url))


@pytest.mark.parametrize("ttl_s", [0.0, -1.0])
def test_a_password_that_is_over_already_is_refused(ttl_s: float) -> None:
    """The field, its value, what it must be."""
    with pytest.raises(ValueError, match=rf"^ttl_s: got {ttl_s:g}, must be above 0"):
        IceConfig(ttl_s=ttl_s)


def test_the_secret_is_in_no_text() -> None:
    """Neither in a repr nor in what a page is told."""
    config = IceConfig(URLS, SECRET)
    assert SECRET not in repr(config) + str(ice_servers(config, "ada", now_s=0))


def test_the_settings_are_taken_as_they_are(make_settings: MakeSettings) -> None:
    """ICE_SERVERS, TURN_SECRET and TURN_TTL reach a browser; in capitals or not, TURN is told from STUN."""
    settings = make_settings(ice_servers=",".join(URLS), turn_secret=SECRET, turn_ttl=600.0)
    assert settings.turn_secret is not None
    config = IceConfig(settings.ice_servers, settings.turn_secret.get_secret_value(), settings.turn_ttl)
    assert config == IceConfig(URLS, SECRET, 600.0)
    stun, turn = ice_servers(config, "ada", now_s=0)
    assert (stun["urls"], turn["urls"], turn["username"]) == ([URLS[0], URLS[3]], [URLS[1], URLS[2]], "600:ada")
