"""Addresses in settings: what is taken, and one line about what is not."""

from __future__ import annotations

import re
from ipaddress import AddressValueError, IPv6Address
from typing import cast
from urllib.parse import urlsplit

from pydantic import AfterValidator

ICE_ALLOWED = (
    "allowed: stun:host, turn:host or turns:host with commas between; :port may follow, then ?transport=udp or tcp"
)
_ICE = re.compile(
    r"(?P<scheme>stun|turns?):(?:\[(?P<v6>[\da-f:.]+)\]|[a-z\d](?:[a-z\d.-]*[a-z\d])?)"
    r"(?::(?P<port>\d{1,5}))?(?P<transport>\?transport=(?:udp|tcp))?",
    re.IGNORECASE,
)


def url(*schemes: str, suffix: str = "") -> AfterValidator:
    """A validator for a URL with a host, one of `schemes`, and a path that ends in `suffix`."""
    allowed = " or ".join(f"{scheme}://host{suffix}" for scheme in schemes)

    def check(value: str) -> str:
        trimmed = value.rstrip("/")
        try:
            parts = urlsplit(trimmed)
            _ = parts.port
        except ValueError:
            parts = None
        if parts is None or parts.scheme not in schemes or not parts.hostname or not trimmed.endswith(suffix):
            raise ValueError(f"allowed: {allowed}")
        return trimmed

    return AfterValidator(check)


def ice_urls(value: object) -> tuple[str, ...]:
    """The URLs of STUN and TURN servers (RFC 7064, RFC 7065) in a text with commas, or in a list of a YAML file.

    Raises ValueError for one that a browser would refuse: it takes none of the others then.
    """
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError(ICE_ALLOWED)
    urls = tuple(str(part).strip() for part in cast("list[object]", parts) if str(part).strip())
    if not all(map(_is_ice_url, urls)):
        raise ValueError(ICE_ALLOWED)
    return urls


def _is_ice_url(text: str) -> bool:
    found = _ICE.fullmatch(text)
    if found is None or (found["port"] is not None and not 1 <= int(found["port"]) <= 65_535):
        return False
    if found["v6"] is not None:
        try:
            IPv6Address(found["v6"])
        except AddressValueError:
            return False
    return found["scheme"].lower() != "stun" or found["transport"] is None
