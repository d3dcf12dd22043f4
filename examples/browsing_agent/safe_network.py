"""Which addresses an untrusted page may reach: public ones, and those that the owner names."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from examples.browsing_agent.browsing_errors import RefusedAddressError

AllowedHosts = Collection[str] | Callable[[str, int], bool]
"""Hosts that may be private: "127.0.0.1:8000", "shop.test" (any port), or a function of host and port."""

SCHEMES = ("http", "https")
URL_LIMIT = 8_192
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")


def is_public(address: str) -> bool:
    """Of an IPv4 or IPv6 address as text. What carries an IPv4 address inside is judged by that one, too."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        teredo = found.teredo
        inner = [found.ipv4_mapped, found.sixtofour, *(teredo or ())]
        if found in _NAT64:
            inner.append(ipaddress.IPv4Address(int(found) & 0xFFFFFFFF))
        if found in _NAT64_LOCAL or any(each is not None and not is_public(str(each)) for each in inner):
            return False
        if found.ipv4_mapped is not None:
            return True
    return found.is_global and not found.is_multicast and not found.is_reserved and not found.is_unspecified


def is_allowed(host: str, port: int, allowed: AllowedHosts) -> bool:
    """Whether the owner named this host. By its name only: what the name resolves to does not matter."""
    if callable(allowed):
        return allowed(host, port)
    bare = host.strip("[]")
    return any(name in allowed for name in (bare, f"{bare}:{port}", f"[{bare}]:{port}"))


def checked_url(url: str, allowed: AllowedHosts) -> str:
    """The URL if a page may be opened by it. A name is only judged when it is resolved, by `FilteringProxy`.

    Raises `RefusedAddressError` that names what is wrong and what is allowed.
    """
    if len(url) > URL_LIMIT:
        raise RefusedAddressError(f"url: {len(url)} characters; allowed: up to {URL_LIMIT}")
    url = "".join(url.split()) if any(each in url for each in "\t\r\n") else url.strip()
    shown = url[:200]
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise RefusedAddressError(f"url: {shown!r} is not a URL ({error}); allowed: http:// or https://") from None
    if parts.scheme.lower() not in SCHEMES:
        raise RefusedAddressError(f"url: {shown!r} has the scheme {parts.scheme!r}; allowed: http, https")
    if not host:
        raise RefusedAddressError(f"url: {shown!r} names no host; allowed: http://host/ or https://host/")
    if parts.username is not None or parts.password is not None:
        raise RefusedAddressError(f"url: a user name or password in it, for {host}; allowed: none")
    if (
        not is_allowed(host, port or _PORTS[parts.scheme.lower()], allowed)
        and _is_address(host)
        and not is_public(host)
    ):
        raise RefusedAddressError(refusal(host, [host]))
    return url


def refusal(host: str, addresses: Collection[str]) -> str:
    """The words for a host that is not reachable for pages."""
    found = ", ".join(list(addresses)[:3])
    behind = "" if found == host else f" is {found}, which"
    return f"url: {host}{behind} is not a public address; allowed: public addresses and `allowed_hosts`"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True
