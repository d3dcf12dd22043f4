"""A report that nobody measured."""

from __future__ import annotations

from dataclasses import replace

from bench.clients.results import Asked, Bounds, ClientsReport, Restart, Side
from bench.clients.targets import targets
from bench.machine import Machine

MACHINE = Machine(2, "a cpu", "Linux x86_64", "3.11.7", "1.8.9", "1.13.5", 0.5)
GOOD = Asked("read", 10.0, 5.0, 1, "")
AGAIN = Asked("read", 20.0, 900.0, 2, "")
UNKNOWN = Asked("dispatch", 30.0, 3.0, 1, "ServerDisconnectedError: Server disconnected")
LOST = Asked("create", 40.0, 5000.0, 0, "NoClient: no client was free within 5 s")
NEVER_SENT = Asked("dispatch", 40.0, 5000.0, 0, "NotReached: LiveKit does not answer", unsent=True)
TWICE = Asked("dispatch", 50.0, 700.0, 2, "")


def example_report() -> ClientsReport:
    """A pool that is a little faster than the shared client, and two restarts."""
    report = ClientsReport(
        "agent.py bench clients",
        MACHINE,
        1,
        50,
        100,
        (
            Side("pool", (10.0, 20.0, 30.0), 0.02, 1.2, 10, 0),
            Side("shared", (11.0, 21.0, 40.0), 0.025, 1.5, 50, 0),
            Side("new", (50.0, 60.0, 70.0), 0.05, 3.0, 3, 0),
        ),
        Bounds(5, 10, 10, 5, 1200.0),
        (GOOD, AGAIN, UNKNOWN),
        (
            Restart(2000.0, 1000.0, 1400.0, 1600.0, (1.0, 300.0, 900.0, 1400.0)),
            Restart(6000.0, 500.0, 800.0, 900.0, (1.0, 800.0)),
        ),
    )
    return replace(report, targets=targets(report))
