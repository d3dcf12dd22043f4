"""What a pool tells of itself: states and counters. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

AVERAGED = 100
"""The average is that of the first so many answers, and then leans towards the newest."""


class State(Enum):
    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    RECONNECTING = "reconnecting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ConnectionStats:
    """One client. `url` is the one it used last. A failure is a request that LiveKit did not answer, or with a 5xx.

    `reconnects`: how often it got an answer again after a failure. Times are None before its first answer.
    `handshakes`: sockets that it has opened.
    """

    url: str
    state: State
    requests: int
    failures: int
    average_ms: float | None
    last_ms: float | None
    reconnects: int
    handshakes: int


@dataclass(frozen=True, slots=True)
class UrlStats:
    """One URL. `looks`: how often it was looked at, whether it answers; `reconnects`: how often it came back."""

    url: str
    state: State
    looks: int
    reconnects: int
    error: str


@dataclass(frozen=True, slots=True)
class PoolStats:
    """A moment of a pool. `requests`, `failures` and `handshakes` are of all its clients, of those that are gone too.

    `state`: that of the best URL. `refused`: how often no client was free in time.
    """

    size: int
    idle: int
    in_use: int
    waiting: int
    state: State
    requests: int
    failures: int
    handshakes: int
    refused: int
    connections: tuple[ConnectionStats, ...]
    urls: tuple[UrlStats, ...]


@dataclass(slots=True)
class Figures:
    """Counters of one client."""

    requests: int = 0
    failures: int = 0
    reconnects: int = 0
    handshakes: int = 0
    average_ms: float | None = None
    last_ms: float | None = None
    broken: bool = False
    """The last request was not answered."""

    def answered(self, ms: float) -> None:
        self.requests += 1
        self.reconnects += self.broken
        self.broken = False
        self.last_ms = ms
        before = ms if self.average_ms is None else self.average_ms
        self.average_ms = before + (ms - before) / min(self.requests - self.failures, AVERAGED)

    def failed(self) -> None:
        self.requests += 1
        self.failures += 1
        self.broken = True

    def connects(self) -> None:
        self.handshakes += 1

    def add(self, other: Figures) -> None:
        """The counters of another client, which is gone."""
        self.requests += other.requests
        self.failures += other.failures
        self.handshakes += other.handshakes
