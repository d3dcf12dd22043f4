"""Which requests are this machine's own."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from rooms.door.own_machine import network_of, why_not_own

OWN = {"Host": "127.0.0.1:8000"}


class Connection:
    """A transport with two addresses."""

    def __init__(self, peer: object, sock: object) -> None:
        self._ends = {"peername": peer, "sockname": sock}

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._ends.get(name, default)


def why(headers: dict[str, str], peer: object = ("127.0.0.1", 1), sock: object = ("127.0.0.1", 2)) -> str | None:
    transport: Any = Connection(peer, sock)
    return why_not_own(make_mocked_request("POST", "/token", headers, transport=transport))


@pytest.mark.parametrize(
    ("headers", "peer", "sock"),
    [
        (OWN, ("127.0.0.1", 1), ("127.0.0.1", 2)),
        (OWN, ("127.8.8.8", 1), ("127.0.0.1", 2)),
        ({"Host": "[::1]:8000"}, ("::1", 1, 0, 0), ("::1", 2, 0, 0)),
        (OWN, ("::ffff:127.0.0.1", 1, 0, 0), ("::ffff:127.0.0.1", 2, 0, 0)),
        ({"Host": "localhost", "Origin": "http://localhost:3000"}, ("127.0.0.1", 1), ("127.0.0.1", 2)),
        ({"Host": "harbour.localhost"}, ("127.0.0.1", 1), ("127.0.0.1", 2)),
    ],
)
def test_both_ends_on_loopback_are_ours(headers: dict[str, str], peer: object, sock: object) -> None:
    """In both families, under each of its names, for a page of this machine."""
    assert why(headers, peer, sock) is None


@pytest.mark.parametrize(
    ("headers", "peer", "sock", "reason"),
    [
        (OWN, ("192.0.2.7", 1), ("127.0.0.1", 2), "it comes from 192.0.2.7"),
        (OWN, ("127.0.0.1", 1), ("192.0.2.1", 2), "it came to 192.0.2.1"),
        (OWN, "", "/run/door.sock", "it comes from a socket without address"),
        (OWN, ("::ffff:192.0.2.7", 1, 0, 0), ("::1", 2, 0, 0), "it comes from ::ffff:192.0.2.7"),
        (OWN | {"X-Forwarded-For": "127.0.0.1"}, ("127.0.0.1", 1), ("127.0.0.1", 2), "a proxy has passed it on"),
        (OWN | {"Forwarded": "for=127.0.0.1"}, ("127.0.0.1", 1), ("127.0.0.1", 2), "a proxy has passed it on"),
        ({"Host": "evil.example"}, ("127.0.0.1", 1), ("127.0.0.1", 2), "it is for the host 'evil.example'"),
        ({"Host": "127.0.0.1.evil.example"}, ("127.0.0.1", 1), ("127.0.0.1", 2), "it is for the host"),
        ({"Host": "[::1"}, ("127.0.0.1", 1), ("127.0.0.1", 2), "it is for the host"),
        (OWN | {"Origin": "https://evil.example"}, ("127.0.0.1", 1), ("127.0.0.1", 2), "it is of the site"),
        (OWN | {"Origin": "null"}, ("127.0.0.1", 1), ("127.0.0.1", 2), "it is of the site 'null'"),
    ],
)
def test_anything_else_is_not(headers: dict[str, str], peer: object, sock: object, reason: str) -> None:
    """Another address at either end, a proxy in between, another name, another site's page; said in words."""
    told = why(headers, peer, sock)
    assert told is not None
    assert told.startswith(reason)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:0db8:0001:0002"),
        ("fe80::1%eth0", "fe80:0000:0000:0000"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_one_customer_is_one_network(address: str, network: str) -> None:
    """The whole /64 of IPv6, since each customer has as many addresses as they like."""
    assert network_of(address) == network
