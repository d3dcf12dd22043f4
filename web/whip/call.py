"""What the proxy knows of one call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from secrets import token_urlsafe

MOST_CANDIDATES = 100


@dataclass(eq=False, slots=True)
class Call:
    """`id` is all that the page sees. `path` is livekit-server's resource; mid, credentials and `etag` are of now.

    `lock` is held by whoever changes what has been negotiated. `voice` is the sid of the agent's track that the caller
    hears, "" before there is one. `joined`: LiveKit has seen the caller's media connection.
    """

    room: str
    identity: str
    path: str
    mid: str
    ufrag: str
    pwd: str
    etag: str
    id: str = field(default_factory=lambda: token_urlsafe(16))
    voice: str = ""
    joined: bool = False
    candidates: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __repr__(self) -> str:
        return f"<Call in {self.room}>"

    @property
    def participant(self) -> str:
        """The caller's sid."""
        return self.path.rpartition("/")[2]
