"""What a pool would tell, made by hand."""

from __future__ import annotations

from rooms.clients.figures import ConnectionStats, PoolStats, State


def client(requests: int, last_ms: float | None, failures: int = 0) -> ConnectionStats:
    return ConnectionStats("http://a", State.CONNECTED, requests, failures, last_ms, last_ms, 0, 1)


def pool(
    *clients: ConnectionStats,
    gone: tuple[int, int] = (0, 0),
    refused: int = 0,
    state: State = State.CONNECTED,
) -> PoolStats:
    """`gone`: requests and failures of clients that are not there any more."""
    return PoolStats(
        size=len(clients),
        idle=len(clients),
        in_use=0,
        waiting=0,
        state=state,
        requests=gone[0] + sum(each.requests for each in clients),
        failures=gone[1] + sum(each.failures for each in clients),
        handshakes=len(clients),
        refused=refused,
        connections=clients,
        urls=(),
    )
