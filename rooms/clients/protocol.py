"""Whoever lends clients of LiveKit's API: what the rest of the folder takes, and the pool is one of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from livekit import api


class Clients(Protocol):
    """`async with clients.client() as lk: await lk.room.list_rooms(...)`."""

    def client(self, *, timeout_s: float | None = None) -> AbstractAsyncContextManager[api.LiveKitAPI]:
        """Lend one client. Waits at most `timeout_s` for it; None takes the lender's own limit.

        Raises what the lender raises if none is free, and inside what LiveKitAPI raises.
        """
        ...
