"""Sockets that are counted when they are opened: a handshake each."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def counted(*counters: Callable[[], None]) -> Callable[[tuple[Any, ...]], socket.socket]:
    """For `aiohttp.TCPConnector(socket_factory=...)`. Costs a request nothing, where a TraceConfig costs 0.1 ms."""

    def opened(address: tuple[Any, ...]) -> socket.socket:
        for count in counters:
            count()
        family, kind, protocol, *_ = address
        return socket.socket(family, kind, protocol)

    return opened


def uncounted() -> None:
    """For whoever does not care."""
