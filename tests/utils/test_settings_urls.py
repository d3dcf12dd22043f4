"""URLs of ICE servers as browsers take them. Those of providers and of LiveKit: tests/test_config.py."""

from __future__ import annotations

import pytest

from utils.settings_urls import ICE_ALLOWED, ice_urls


@pytest.mark.parametrize(
    "text",
    [
        "stun:host",
        "stun:host:3478",
        "turn:turn.example.com?transport=udp",
        "turn:10.0.0.7:3478?transport=tcp",
        "turns:a-b.example:443?transport=tcp",
        "TURN:Host",
        "turn:[2001:db8::1]:3478",
        "stun:[::1]",
    ],
)
def test_what_a_browser_takes_is_taken_as_it_is(text: str) -> None:
    """One alone, and among others."""
    assert ice_urls(text) == (text,)
    assert ice_urls(f" {text} ,stun:other, ") == (text, "stun:other")
    assert ice_urls([text, "stun:other"]) == (text, "stun:other")


@pytest.mark.parametrize("nothing", ["", " , ", [], ()])
def test_none_are_none(nothing: object) -> None:
    """No server is allowed."""
    assert ice_urls(nothing) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        "host",
        "http://host",
        "stun://host",
        "stun:",
        "stun:host:0",
        "stun:host:65536",
        "stun:host:x",
        "stun:host?transport=udp",
        "turn:host?transport=tls",
        "turn:user@host",
        "turn:host/path",
        "turn:ho st",
        "turn:-host",
        "turn:[2001:db8::1::2]",
        "turn:2001:db8::1",
        "turn:host\nturn:other",
        3478,
        ["stun:host", 5],
        {"stun:host": "x"},
    ],
    ids=str,
)
def test_what_a_browser_refuses_is_refused(wrong: object) -> None:
    """With the words that say what is allowed; the right ones beside it do not save it."""
    with pytest.raises(ValueError, match="allowed: stun:host") as caught:
        ice_urls(wrong)
    assert str(caught.value) == ICE_ALLOWED
    if isinstance(wrong, str):
        with pytest.raises(ValueError, match="allowed: stun:host"):
            ice_urls(f"stun:right,{wrong}")
