"""The tables and sentences of a turns report, as plain text that terminal, README and page all show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.grid import NONE, Grid, signed
from bench.report import CAVEAT
from bench.turns.corpus import ECHO_DELAY_MS, ECHO_LOSSES_DB, PAUSES_MS
from bench.turns.hearing import STOP_S
from bench.turns.results import FALSE_STOP_MS
from bench.turns.summary import summarize
from bench.turns.targets import starter_gaps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.stats import Quantiles
    from bench.turns.results import SideResult, TurnsReport
    from bench.turns.summary import Share, Summary

NO_SIDES = "No side was measured."
WIDE_ONLY = (
    *("p50 over LLM + TTS", "opener hit p50/p90", "Arabic p50/p90"),
    *("answered a part", "gap after a pause p50/p90"),
    *("after um", "Arabic"),
    *("minutes", "hesitates", "own a minute", "broken by echo", "answers echo", "early p50/p90", "late p50/p90"),
    *("LLM tokens", "said again"),
)
HOW = (
    "Response gap: from the caller's last audible sample to the reply's first one, both taken from the waveform at the "
    "caller. Cut off: the agent was heard before the caller had finished a sentence with a pause in its middle. False "
    "interruption: the agent fell silent for {false:.0f} ms or more, or did not go on, during a noise or within a "
    "second of it. It hesitates for {stop:.0f} to {false:.0f} ms, as between two sentences. Echo: the caller says "
    "nothing and lets the agent's voice back in, {losses} dB softer and {delay:.0f} ms late. True "
    "interruption: from the caller's first audible sample to the agent's last."
)
WHO = (
    "Starter: an agent as the framework's examples write it; v1-mini is what it does when nothing is said of turn "
    "detection. The sides are called in turns, in three rounds, in up to three calls of one side at once; for a gap in "
    "two, of which one is silent while the other asks and is answered. Interruptions of the starter are measured in "
    "one of its modes where that is among the sides."
)


def summaries(report: TurnsReport) -> dict[str, Summary]:
    """By the sides' ids, in the report's order."""
    return {side.id: summarize(side, report.providers_ms, report.pauses_ms) for side in report.sides}


def gaps_grid(report: TurnsReport) -> Grid:
    """A line a side: how long a caller waits."""
    found = summaries(report)
    default, best = starter_gaps(found)
    headings = (
        "response gap, ms",
        "p50",
        "p90",
        "p99",
        "p50 over LLM + TTS",
        "over starter default",
        "over its best",
        "opener hit p50/p90",
        "hits",
        "Arabic p50/p90",
        "n",
    )
    lines = [
        (
            side.title,
            *_three(each.gap),
            NONE if each.overhead_ms is None else signed(each.overhead_ms),
            _ratio(each.gap, default),
            _ratio(each.gap, best),
            _two(each.opener),
            _share(each.opener_hits),
            _two(each.arabic_gap),
            str(each.gap.n if each.gap else 0),
        )
        for side, each in _lines(report, found)
    ]
    return Grid(headings, tuple(lines), frozenset(headings[:1]), NO_SIDES)


def curve_grid(report: TurnsReport) -> Grid:
    """A line a side: what a short gap costs in callers who were cut off, by the length of their pause."""
    headings = (
        "cut off, %",
        "gap p50",
        "all pauses",
        *(f"{pause} ms" for pause in report.pauses_ms),
        "after um",
        "Arabic",
        "answered a part",
        "gap after a pause p50/p90",
        "n",
    )
    lines = [
        (
            side.title,
            NONE if each.gap is None else f"{each.gap.p50_ms:.0f}",
            _percent(each.cut_off),
            *(_percent(each.cut_off_by_pause[pause]) for pause in report.pauses_ms),
            _percent(each.filler_cut_off),
            _percent(each.arabic_cut_off),
            _percent(each.to_a_part),
            _two(each.pause_gap),
            str(each.cut_off.n),
        )
        for side, each in _lines(report, summaries(report))
    ]
    return Grid(headings, tuple(lines), frozenset(headings[:1]), NO_SIDES)


def pause_gaps_grid(report: TurnsReport) -> Grid:
    """A line a side: how long a caller waits after a pause of each length, of those who were not cut off."""
    headings = ("gap after a pause, p50 ms", *(f"{pause} ms" for pause in report.pauses_ms), "all", "n")
    lines = [
        (
            side.title,
            *(_three(each.pause_gap_by_pause[pause])[0] for pause in report.pauses_ms),
            _three(each.pause_gap)[0],
            str(each.pause_gap.n if each.pause_gap else 0),
        )
        for side, each in _lines(report, summaries(report))
    ]
    return Grid(headings, tuple(lines), frozenset(headings[:1]), NO_SIDES)


def interruptions_grid(report: TurnsReport) -> Grid:
    """A line a side: what stops the agent, and how soon."""
    headings = (
        "disturbed",
        "false a minute",
        "by noises",
        "hesitates",
        "minutes",
        "own a minute",
        "echo, a minute",
        "broken by echo",
        "answers echo",
        "true, ms: stops after p50/p90",
        "early p50/p90",
        "late p50/p90",
        "not answered",
        "n",
    )
    lines = [
        (
            side.title,
            _figure(each.false_a_minute),
            _share(each.noises),
            _share(each.hesitations),
            _figure(each.noise_minutes or None),
            _figure(each.own_a_minute),
            _figure(each.echo_a_minute),
            _share(each.echo_broken),
            _share(each.echo_answered),
            _two(each.barge_in),
            *(_two(each.barge_ins_by_when[when]) for when in ("early", "late")),
            _share(each.unanswered),
            str(each.barge_in.n if each.barge_in else 0),
        )
        for side, each in _lines(report, summaries(report))
    ]
    return Grid(headings, tuple(lines), frozenset(headings[:1]), NO_SIDES)


def noises_grid(report: TurnsReport) -> Grid:
    """A line a noise: how often it was a false interruption, of how many times."""
    sides = [side for side in report.sides if any(reply.noises for reply in side.long_replies)]
    made = {name: None for side in sides for name, _ in _noises(side)}
    headings = ("stopped for", *(side.title for side in sides))
    lines = [(name.replace("_", " "), *(_stops(side, name) for side in sides)) for name in made]
    return Grid(headings, tuple(lines), frozenset(headings[:1]), "No noise was made.")


def costs_grid(report: TurnsReport) -> Grid:
    """A line a side: what it asks of the providers, what it logs, and what went wrong."""
    headings = (
        "a turn",
        "LLM calls",
        "with a pause",
        "LLM tokens",
        "log lines a minute",
        "not answered",
        "said again",
        "calls failed",
    )
    lines = [
        (
            side.title,
            _figure(each.llm_calls),
            _figure(each.pause_llm_calls),
            _figure(each.llm_tokens),
            _figure(each.log_lines_a_minute),
            _share(each.lost),
            str(side.torn),
            str(len(side.failed)),
        )
        for side, each in _lines(report, summaries(report))
    ]
    return Grid(headings, tuple(lines), frozenset(headings[:1]), NO_SIDES)


def grids(report: TurnsReport) -> tuple[Grid, ...]:
    """All of them, in the order in which they are read."""
    every = (gaps_grid, curve_grid, pause_gaps_grid, interruptions_grid, noises_grid, costs_grid)
    return tuple(grid(report) for grid in every)


def narrow(grid: Grid) -> Grid:
    """With fewer columns, for a terminal of 80."""
    return grid.only(*(heading for heading in grid.headings if heading not in WIDE_ONLY))


def notes(report: TurnsReport) -> list[str]:
    """What a reader must know beside the tables, a line each."""
    return [
        f"Machine: {report.machine.one_line()}.",
        f"Providers: {report.latency} delays, LLM + TTS {report.providers_ms:.0f} ms (p50); seed {report.seed}.",
        _pauses(report),
        HOW.format(
            false=FALSE_STOP_MS,
            stop=1000 * STOP_S,
            losses=" or ".join(f"{loss:.0f}" for loss in ECHO_LOSSES_DB),
            delay=ECHO_DELAY_MS,
        ),
        WHO,
        CAVEAT,
    ]


def _pauses(report: TurnsReport) -> str:
    lengths = "Pauses in a sentence: {} ms.".format(", ".join(map(str, report.pauses_ms)))
    if report.pauses_ms == PAUSES_MS:
        return lengths
    usual = ", ".join(map(str, PAUSES_MS))
    return f"{lengths} The targets of such sentences are set for {usual} ms and judge nothing else."


def _lines(report: TurnsReport, found: dict[str, Summary]) -> Iterable[tuple[SideResult, Summary]]:
    return [(side, found[side.id]) for side in report.sides]


def _noises(side: SideResult) -> list[tuple[str, bool]]:
    return [(noise.noise, noise.stopped) for reply in side.long_replies for noise in reply.noises]


def _stops(side: SideResult, name: str) -> str:
    stopped = [each for noise, each in _noises(side) if noise == name]
    return f"{sum(stopped)} of {len(stopped)}"


def _three(times: Quantiles | None) -> tuple[str, str, str]:
    if times is None:
        return (NONE, NONE, NONE)
    return (f"{times.p50_ms:.0f}", f"{times.p90_ms:.0f}", f"{times.p99_ms:.0f}")


def _two(times: Quantiles | None) -> str:
    return NONE if times is None else " / ".join(_three(times)[:2])


def _ratio(ours: Quantiles | None, theirs: Quantiles | None) -> str:
    if ours is None or theirs is None or theirs.p50_ms <= 0:
        return NONE
    return f"{ours.p50_ms / theirs.p50_ms:.2f}"


def _share(share: Share) -> str:
    return f"{share.count} of {share.n}" if share.n else NONE


def _percent(share: Share) -> str:
    return NONE if share.rate is None else f"{100 * share.rate:.0f}"


def _figure(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"
