"""What a run of `bench clients` found. Plain data; times in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass

from bench.clients.plan import Kind, SideName  # noqa: TC001  # a file is read back by these types
from bench.machine import Machine  # noqa: TC001  # and by these
from bench.target import Target  # noqa: TC001  # and by these


@dataclass(frozen=True)
class Side:
    """One way to call, over all of its blocks. `seconds` and `cpu_ms` of this process: while it called.

    `failed`: calls without an answer.
    """

    name: SideName
    calls_ms: tuple[float, ...]
    seconds: float
    cpu_ms: float
    handshakes: int
    failed: int

    @property
    def per_second(self) -> float:
        return len(self.calls_ms) / self.seconds


@dataclass(frozen=True)
class Bounds:
    """Sizes of a pool: ready, at most allowed, largest seen under load, and when nobody needed it any more."""

    ready: int
    most: int
    largest: int
    after: int
    shrunk_ms: float


@dataclass(frozen=True)
class Asked:
    """One request under restarts. `reached`: how often it arrived at LiveKit's door; `error`: empty if answered.

    `unsent`: the error says for certain that it was not sent.
    """

    kind: Kind
    at_ms: float
    took_ms: float
    reached: int
    error: str
    unsent: bool = False

    @property
    def lost(self) -> bool:
        """Without an answer, though it could have been sent again: twice is as good as once, or it was not sent."""
        return bool(self.error) and (self.kind != "dispatch" or self.unsent)

    @property
    def unknown(self) -> bool:
        """Its connection broke, and nobody knows what became of it: so it is not sent again, and its caller is told."""
        return bool(self.error) and not self.lost

    @property
    def repeated(self) -> bool:
        """Sent twice, which must not be."""
        return self.kind == "dispatch" and self.reached > 1


@dataclass(frozen=True)
class Restart:
    """One kill of livekit-server, at `killed_ms` of the run. The other times are from the kill on.

    `back_ms`: it answers a new connection again; `first_ms`: the first request was answered; `caught_up_ms`: so was
    every one from before. `attempts_ms`: sockets that the pool opened until then. None: not before the next kill.
    """

    killed_ms: float
    back_ms: float
    first_ms: float | None
    caught_up_ms: float | None
    attempts_ms: tuple[float, ...]

    @property
    def recovery_ms(self) -> float | None:
        return None if self.first_ms is None else self.first_ms - self.back_ms


@dataclass(frozen=True)
class ClientsReport:
    command: str
    machine: Machine
    seed: int
    at_once: int
    rate: int
    sides: tuple[Side, ...] = ()
    bounds: Bounds | None = None
    asked: tuple[Asked, ...] = ()
    restarts: tuple[Restart, ...] = ()
    targets: tuple[Target, ...] = ()

    @property
    def failed(self) -> bool:
        """A request was lost or repeated, or a call on a healthy LiveKit was not answered."""
        return any(side.failed for side in self.sides) or any(each.lost or each.repeated for each in self.asked)
