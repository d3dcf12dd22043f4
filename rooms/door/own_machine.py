"""Requests of this machine itself: what may be served without authentication."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from aiohttp import web

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
# Behind a proxy on this machine everybody would come from loopback.
PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")


def own_host(request: web.BaseRequest) -> str | None:
    """The name under which this machine was asked, in lower case; None for one that is not of this machine.

    Browsers lead every name below localhost to it, so a page can be opened as "harbour.localhost".
    """
    return _own(request.host)


def why_not_own(request: web.BaseRequest) -> str | None:
    """What shows that the request is not of this machine, in words; None if it is.

    Both ends of the connection are looked at, the name that was asked for (a name that an attacker points at 127.0.0.1
    is not ours), and the page that a browser asks for.
    """
    for end, what in (("peername", "it comes from"), ("sockname", "it came to")):
        address = host_address(request, end)
        if not _is_loopback(address):
            return f"{what} {address or 'a socket without address'}"
    passed_on = next((name for name in PROXY_HEADERS if name in request.headers), None)
    if passed_on is not None:
        return f"a proxy has passed it on ({passed_on})"
    if own_host(request) is None:
        return f"it is for the host {request.host[:80]!r}"
    origin = request.headers.get("Origin")
    if origin is not None and _own(origin.partition("://")[2]) is None:
        return f"it is of the site {origin[:80]!r}"
    return None


def host_address(request: web.BaseRequest, end: str = "peername") -> str:
    """The address of an end of the connection, "" if it has none."""
    found = request.get_extra_info(end)
    return str(found[0]) if isinstance(found, tuple) and found else ""


def network_of(address: str) -> str:
    """What one customer has: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped) if parsed.ipv4_mapped else parsed.exploded[:19]
    return str(parsed)


def _is_loopback(address: str) -> bool:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = parsed.ipv4_mapped if isinstance(parsed, IPv6Address) else None
    return (mapped or parsed).is_loopback


def _own(netloc: str) -> str | None:
    try:
        host = urlsplit(f"//{netloc}").hostname
    except ValueError:
        return None
    return host if host in LOOPBACK_HOSTS or (host or "").endswith(".localhost") else None
