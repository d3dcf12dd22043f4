"""ICE servers as headers."""

from __future__ import annotations

from web.whip.links import links


def test_each_url_is_a_link() -> None:
    """With a password where there is one; quotes in it end nothing."""
    servers = [
        {"urls": "stun:stun.example:3478"},
        {"urls": ["turn:t.example:3478?transport=udp", "turns:t.example"], "username": "ada", "credential": 'a"b\\'},
    ]
    secret = '; username="ada"; credential="a\\"b\\\\"; credential-type="password"'
    assert links(servers) == [
        '<stun:stun.example:3478>; rel="ice-server"',
        f'<turn:t.example:3478?transport=udp>; rel="ice-server"{secret}',
        f'<turns:t.example>; rel="ice-server"{secret}',
    ]
