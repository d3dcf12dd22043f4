"""The tables and sentences of a report, as plain text that terminal, README and page all show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.clients.targets import away_per_second
from bench.grid import NONE, Grid
from bench.stats import quantiles

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.clients.plan import Kind, SideName
    from bench.clients.results import ClientsReport, Restart

NAMES: dict[SideName, str] = {"pool": "the pool", "shared": "one shared client", "new": "a new client a call"}
KINDS: dict[Kind, str] = {"read": "ListRooms", "create": "CreateRoom", "dispatch": "CreateDispatch (never twice)"}
SHOWN_ERRORS = 5


def grids(report: ClientsReport) -> list[Grid]:
    """Those of the parts that were measured."""
    found: list[Grid] = []
    if report.sides:
        found.append(sides_grid(report))
    if report.restarts:
        found += [asked_grid(report), restarts_grid(report)]
    return found


def sides_grid(report: ClientsReport) -> Grid:
    headings = ("client", "calls/s", "p50 ms", "p90 ms", "p99 ms", "CPU ms a call", "handshakes", "failed", "n")
    lines: list[tuple[str, ...]] = []
    for side in report.sides:
        times = quantiles(side.calls_ms)
        told = [f"{ms:.1f}" for ms in (times.p50_ms, times.p90_ms, times.p99_ms)] if times else [NONE] * 3
        cpu = f"{side.cpu_ms / max(1, len(side.calls_ms)):.2f}"
        counts = (cpu, str(side.handshakes), str(side.failed), str(len(side.calls_ms)))
        lines.append((NAMES[side.name], f"{side.per_second:.0f}", *told, *counts))
    return Grid(headings, tuple(lines), frozenset({"client"}), "No calls were measured.")


def asked_grid(report: ClientsReport) -> Grid:
    headings = ("request", "n", "answered", "told unknown", "of these arrived", "lost", "sent twice", "slowest ms")
    lines: list[tuple[str, ...]] = []
    for kind, name in KINDS.items():
        these = [each for each in report.asked if each.kind == kind]
        if these:
            counts = (
                len(these),
                sum(not each.error for each in these),
                sum(each.unknown for each in these),
                sum(each.unknown and each.reached > 0 for each in these),
                sum(each.lost for each in these),
                sum(each.repeated for each in these),
                round(max(each.took_ms for each in these)),
            )
            lines.append((name, *map(str, counts)))
    return Grid(headings, tuple(lines), frozenset({"request"}), "No requests were measured.")


def restarts_grid(report: ClientsReport) -> Grid:
    headings = ("restart", "away ms", "first answer ms", "caught up ms", "sockets away", "sockets/s away")
    lines = tuple(_restart(number, each) for number, each in enumerate(report.restarts, 1))
    return Grid(headings, lines, frozenset({"restart"}), "No restarts were measured.")


def notes(report: ClientsReport) -> list[str]:
    return [*_facts(report), f"Machine: {report.machine.one_line()}."]


def errors(report: ClientsReport) -> list[str]:
    """Of the requests that were lost or sent twice, the first few."""
    wrong = [each for each in report.asked if each.lost or each.repeated]
    told = [
        f"{KINDS[each.kind]} at {each.at_ms / 1000:.1f} s, arrived {each.reached} times: {each.error or 'answered'}"
        for each in wrong[:SHOWN_ERRORS]
    ]
    return [*told, f"and {len(wrong) - SHOWN_ERRORS} more"] if len(wrong) > SHOWN_ERRORS else told


def _facts(report: ClientsReport) -> Iterator[str]:
    if report.sides:
        yield (
            f"{report.at_once} calls at a time, in turns of blocks, in one process: mostly the time of this process. "
            "A client of the pool waits in line where one shared client opens one more connection."
        )
    if report.bounds is not None:
        bounds = report.bounds
        yield (
            f"The pool has {bounds.ready} clients ready, had {bounds.largest} under load (at most {bounds.most}), and "
            f"{bounds.after} again {bounds.shrunk_ms / 1000:.1f} s after it, with an interval of 1 s."
        )
    if report.restarts:
        recovery = quantiles([each.recovery_ms for each in report.restarts if each.recovery_ms is not None])
        if recovery is not None:
            yield (
                f"{report.rate} requests a second; from LiveKit's being back to the first answer: p50 "
                f"{recovery.p50_ms:.0f}, p90 {recovery.p90_ms:.0f} ms, n {recovery.n}."
            )
        yield (
            "Told unknown: under way when the connection broke, so its caller, who alone can look, is told; the relay "
            "of this run knows which arrived. First answer and caught up are from LiveKit's being back; caught "
            "up: everything that was asked before has ended."
        )


def _restart(number: int, restart: Restart) -> tuple[str, ...]:
    caught = None if restart.caught_up_ms is None else restart.caught_up_ms - restart.back_ms
    return (
        str(number),
        f"{restart.back_ms:.0f}",
        _ms(restart.recovery_ms),
        _ms(caught),
        str(sum(at_ms < restart.back_ms for at_ms in restart.attempts_ms)),
        f"{away_per_second(restart):.1f}",
    )


def _ms(value: float | None) -> str:
    return NONE if value is None else f"{value:.0f}"
