"""The tables and sentences of a report, as plain text that terminal, README and page all show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.browser.plan import TRANSPORTS, WAYS
from bench.browser.targets import COUNTED, NAMES
from bench.grid import NONE, Grid
from bench.stats import quantiles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.browser.results import BrowserReport, Click, Cut, Leaks, Load, Round, Talk

CAVEAT = (
    "Loopback network, simulated providers, and a browser without a screen: what the ways differ by, not what a caller "
    "far away would hear. The cores are shared by browser, server, providers, worker and this process."
)


def grids(report: BrowserReport) -> list[Grid]:
    """Those of the parts that were measured."""
    found: list[Grid] = []
    if report.clicks:
        found.append(clicks_grid(report))
    if report.talks:
        found.append(talks_grid(report.talks))
    if report.rounds:
        found.append(rounds_grid(report.rounds))
    if report.leaks:
        found.append(leaks_grid(report.leaks))
    if report.loads:
        found.append(loads_grid(report.loads))
    if report.cuts:
        found.append(cuts_grid(report.cuts))
    return found


def clicks_grid(report: BrowserReport) -> Grid:
    headings = (
        "click to sound, ms",
        "p50",
        "p90",
        "p99",
        "n",
        "over the floor",
        "input p50",
        "answer p50",
        "answer p90",
    )
    floor = _sounds(report.clicks, "floor")
    lines = [
        (NAMES[way], *_quantiles(sounds), _ratio(sounds, floor), *_parts(report.clicks, way, fresh=False))
        for way in WAYS
        if (sounds := _sounds(report.clicks, way))
    ]
    lines += [
        (f"{NAMES[way]}, fresh browser", *_quantiles(sounds), NONE, *_parts(report.clicks, way, fresh=True))
        for way in TRANSPORTS
        if (sounds := _sounds(report.clicks, way, fresh=True))
    ]
    return Grid(headings, tuple(lines), frozenset({headings[0]}), "No call was completed.")


def talks_grid(talks: Sequence[Talk]) -> Grid:
    headings = ("three turns", "gaps heard, ms", "told by the page, ms", "transcript")
    lines = tuple(
        (
            NAMES[talk.way],
            _each(talk.gaps_ms),
            _each(talk.told_gaps_ms),
            "what was heard" if talk.is_same else talk.failed or "other words",
        )
        for talk in talks
    )
    return Grid(headings, lines, frozenset({headings[0], headings[-1]}), "No turns were measured.")


def rounds_grid(rounds: Sequence[Round]) -> Grid:
    headings = (
        "there and back, ms",
        "p50",
        "p90",
        "p99",
        "n",
        "lost",
        "in the page's jitter buffer",
        "round trip to the server",
    )
    lines = tuple(
        (each.name, *_quantiles(each.delays_ms), str(each.lost), _ms(each.jitter_ms), _ms(each.rtt_ms, digits=1))
        for each in rounds
    )
    return Grid(headings, lines, frozenset({headings[0]}), "No echo was measured.")


def leaks_grid(leaks: Sequence[Leaks]) -> Grid:
    headings = ("held by one page", "calls", "heap, KB", *COUNTED.values(), "audio nodes", "DOM nodes")
    lines: list[tuple[str, ...]] = []
    for leak in leaks:
        moments = (
            ("before", leak.before, 0),
            ("halfway", leak.halfway, leak.opened // 2),
            ("after", leak.after, leak.opened),
        )
        for when, held, calls in moments:
            if held is None:
                continue
            counts = [str(getattr(held, field)) for field in (*COUNTED, "audio_nodes", "nodes")]
            lines.append((f"{NAMES[leak.way]}, {when}", str(calls), f"{held.heap_kb:.0f}", *counts))
    return Grid(headings, tuple(lines), frozenset({headings[0]}), "No page was counted.")


def loads_grid(loads: Sequence[Load]) -> Grid:
    headings = ("calls of one browser", "asked", "heard", "click to sound p50", "p90", "p99", "n", "CPU, cores")
    lines = tuple(
        (NAMES[load.way], str(load.asked), str(load.heard), *_quantiles(load.sounds_ms), f"{load.cpu_cores:.2f}")
        for load in loads
    )
    return Grid(headings, lines, frozenset({headings[0]}), "No load was measured.")


def cuts_grid(cuts: Sequence[Cut]) -> Grid:
    headings = ("network gone", "s", "sound again, s", "told meanwhile", "told then", "left in the server")
    lines = tuple(
        (
            NAMES[cut.way],
            f"{cut.cut_s:g}",
            NONE if cut.back_s is None else f"{cut.back_s:.1f}",
            cut.meanwhile or NONE,
            cut.failed or cut.at_the_end or NONE,
            str(cut.left),
        )
        for cut in cuts
    )
    return Grid(headings, lines, frozenset((headings[0], *headings[3:5])), "No network was cut.")


def notes(report: BrowserReport) -> list[str]:
    return [*_facts(report), f"Machine: {report.machine.one_line()}; {report.browser or 'no browser'}.", CAVEAT]


def _facts(report: BrowserReport) -> Iterator[str]:
    if report.clicks:
        yield (
            "Click to sound: from the click's own time stamp to the first audible sample by the page's meter; the "
            "agent waits in a standby room and has its greeting in memory, the microphone is allowed. Input: until the "
            "page heard of the click, in it. Answer: the token or the SDP answer. Floor: a caller in Python, from the "
            "connect call, to a publisher who is already sending. Over the floor: p50 by p50."
        )
    if report.talks:
        yield (
            "Gaps: from the last audible sample of the microphone to the first of the reply, both recorded in the page "
            "on one audio clock. The transcript must be word for word what the simulator heard."
        )
    if report.rounds:
        yield (
            "There and back: chirps in a synthetic microphone track against the agent's track, by correlation on one "
            "audio clock; the agent forwards frames of 10 ms. The rows of the browser alone are what codec, packets "
            "and its audio graph take without any network. Jitter buffer: the page's; round trip: to LiveKit."
        )
    if report.leaks:
        yield (
            "Held: after a forced garbage collection, by the browser's own counters; before is after the first five "
            f"calls. Callers left in the server: {sum(each.left_in_rooms for each in report.leaks)}."
        )


def _sounds(clicks: Sequence[Click], way: str, *, fresh: bool = False) -> list[float]:
    return [each.sound_ms for each in clicks if each.failed is None and (each.way, each.is_fresh) == (way, fresh)]


def _parts(clicks: Sequence[Click], way: str, *, fresh: bool) -> tuple[str, str, str]:
    these = [each for each in clicks if each.failed is None and (each.way, each.is_fresh) == (way, fresh)]
    inputs = quantiles([each.input_ms for each in these if each.answer_ms is not None])
    answers = quantiles([each.answer_ms for each in these if each.answer_ms is not None])
    if inputs is None or answers is None:
        return NONE, NONE, NONE
    return _ms(inputs.p50_ms, digits=1), _ms(answers.p50_ms), _ms(answers.p90_ms)


def _quantiles(values_ms: Sequence[float]) -> tuple[str, str, str, str]:
    found = quantiles(values_ms)
    if found is None:
        return NONE, NONE, NONE, "0"
    return _ms(found.p50_ms), _ms(found.p90_ms), _ms(found.p99_ms), str(found.n)


def _ratio(one: Sequence[float], other: Sequence[float]) -> str:
    ours, theirs = quantiles(one), quantiles(other)
    return f"{ours.p50_ms / theirs.p50_ms:.2f}x" if ours and theirs else NONE


def _each(values_ms: Sequence[float]) -> str:
    return ", ".join(f"{value:.0f}" for value in values_ms) or NONE


def _ms(value: float | None, *, digits: int = 0) -> str:
    return NONE if value is None else f"{value:.{digits}f}"
