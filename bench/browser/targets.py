"""What the page must reach, and whether this run did. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.browser.echoes import AS_IT_COMES
from bench.stats import quantiles
from bench.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.browser.plan import Transport
    from bench.browser.results import BrowserReport, Leaks
    from bench.stats import Quantiles

CLICK_MS: dict[Transport, tuple[float, float | None]] = {"whip": (130.0, 200.0), "livekit": (200.0, None)}
ECHO_MS = 100.0
HEAP_KB = 512.0
"""What 500 calls may leave on the heap, all of them together: less than 1 KB each."""
NAMES: dict[str, str] = {"whip": "WHIP", "livekit": "livekit-client", "floor": "floor"}


def targets(report: BrowserReport) -> tuple[Target, ...]:
    """Those of the parts that were measured."""
    return tuple(_targets(report))


def clicks_of(report: BrowserReport, way: str, *, fresh: bool = False) -> Quantiles | None:
    return quantiles(
        [each.sound_ms for each in report.clicks if (each.way, each.is_fresh, each.failed) == (way, fresh, None)]
    )


def _targets(report: BrowserReport) -> Iterator[Target]:
    for way, (p50_ms, p90_ms) in CLICK_MS.items():
        if got := clicks_of(report, way):
            yield Target(f"click to first sound, {NAMES[way]}, ms", p50_ms, p90_ms, got.p50_ms, got.p90_ms, got.n)
    for talk in report.talks:
        wrong = 0 if talk.is_same else 1
        yield Target(f"transcripts other than what was heard, {NAMES[talk.way]}", 0, None, wrong, None, 1)
    for each in report.rounds:
        if each.name.endswith(f", {AS_IT_COMES.name}") and (there := quantiles(each.delays_ms)):
            way = each.name.partition(",")[0]
            yield Target(f"microphone to agent and back, {NAMES[way]}, ms", ECHO_MS, None, there.p50_ms, None, there.n)
    for leak in report.leaks:
        yield from _leaks(leak)
    for load in report.loads:
        share = 1 - load.heard / load.asked
        yield Target(f"calls of the load page without sound, {NAMES[load.way]}", 0, None, share, None, load.asked)


def _leaks(leak: Leaks) -> Iterator[Target]:
    name, n = NAMES[leak.way], leak.opened
    yield Target(
        f"heap after all calls, {name}, KB more", HEAP_KB, None, leak.after.heap_kb - leak.before.heap_kb, None, n
    )
    for field, what in COUNTED.items():
        more = getattr(leak.after, field) - getattr(leak.before, field)
        yield Target(f"{what} after all calls, {name}, more", LATE.get(field, 0), None, more, None, n)
    yield Target(f"callers left in the server, {name}", 0, None, leak.left_in_rooms, None, n)


LATE = {"tracks": 4}
"""Of the last call: the browser lets go of a track some time after it has ended."""
COUNTED = {
    "peers": "peer connections",
    "tracks": "tracks",
    "contexts": "audio contexts",
    "sockets": "WebSockets",
    "listeners": "listeners",
}
