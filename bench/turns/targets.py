"""What the turns must reach: times with fixed latencies, and shares beside the starter's of the same run. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.target import Target
from bench.turns.corpus import PAUSES_MS
from bench.turns.sides import DEFAULT_STARTER, PROFILES, STARTER
from bench.turns.summary import Share, Summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.stats import Quantiles

STT_STARTER = "starter-stt"
CUT_OFFS = (("fast", 1.0, "no more than"), ("production", 0.5, "half of"), ("steady", 0.25, "a quarter of"))


def targets(summaries: Mapping[str, Summary], *, fixed: bool) -> tuple[Target, ...]:
    """Each target with what this run got, by the sides' ids. `fixed`: the latencies that milliseconds are set for.

    Those of sentences with a pause are set for PAUSES_MS; of a run without one of these they are not measured.
    """
    fast, production = summaries.get("fast"), summaries.get("production")
    gap = fast and fast.gap
    times = fast if fixed else None
    overhead_ms = times and times.overhead_ms
    default, best = starter_gaps(summaries)
    return (
        _times("fast: response gap, ms", (1000, 1150), times and times.gap),
        Target("fast: p50 over LLM + TTS, ms", 300, None, overhead_ms, None, gap.n if gap and fixed else 0),
        _ratio("fast: p50 over the starter's default", 0.35, gap, default),
        _ratio("fast: p50 over the starter's best mode", 0.55, gap, best),
        _times("production: response gap, ms", (1150, 1350), production.gap if production and fixed else None),
        _times("fast, reply begun from memory: response gap, ms", (850, 950), times and times.opener),
        *_cut_offs(summaries),
        *(_noises(name, summaries[name]) for name in PROFILES if name in summaries),
        *(_barge_in(name, summaries[name]) for name in PROFILES if name in summaries),
        *_llm_calls(production),
        *(
            _figure(f"{name}: log lines a call-minute", 8, summaries[name].log_lines_a_minute, summaries[name].calls)
            for name in PROFILES
            if name in summaries
        ),
        *(
            _share(f"{name}: turns without an answer", 0.0, summaries[name].lost)
            for name in PROFILES
            if name in summaries
        ),
    )


def starter_gaps(summaries: Mapping[str, Summary]) -> tuple[Quantiles | None, Quantiles | None]:
    """Of the starter as the framework has it, and of its fastest mode."""
    every = [(name, each.gap) for name, each in summaries.items() if name.startswith(STARTER)]
    gaps = {name: gap for name, gap in every if gap is not None}
    return gaps.get(DEFAULT_STARTER), min(gaps.values(), key=lambda gap: gap.p50_ms, default=None)


def _cut_offs(summaries: Mapping[str, Summary]) -> Iterable[Target]:
    starter = summaries.get(STT_STARTER)
    allowed = _cut_off(starter).rate if starter else None
    for name, factor, words in CUT_OFFS:
        what = f"{name}: callers cut off, {words} the starter's with stt"
        ours = _cut_off(summaries[name]) if name in summaries else Share(0, 0)
        if allowed is None:
            yield Target(what, 0.0, None, None, None, 0)
        else:
            yield _share(what, factor * allowed, ours)


def _cut_off(found: Summary) -> Share:
    """After the pauses that the targets are set for; other ones do not count."""
    known = found.cut_off_by_pause
    judged = [known[pause] for pause in PAUSES_MS] if known.keys() >= set(PAUSES_MS) else []
    return Share(sum(share.count for share in judged), sum(share.n for share in judged))


def _llm_calls(production: Summary | None) -> Iterable[Target]:
    calls = production.calls if production else 0
    yield _figure("production: LLM calls a plain question", 1.4, production and production.llm_calls, calls)
    # Counted by the call, in which every pause occurs.
    usual = production if production and production.cut_off_by_pause.keys() == set(PAUSES_MS) else None
    yield _figure("production: LLM calls a sentence with a pause", 1.4, usual and usual.pause_llm_calls, calls)


def _times(what: str, limits: tuple[float, float], got: Quantiles | None) -> Target:
    if got is None:
        return Target(what, *limits, None, None, 0)
    return Target(what, *limits, got.p50_ms, got.p90_ms, got.n)


def _ratio(what: str, limit: float, ours: Quantiles | None, theirs: Quantiles | None) -> Target:
    if ours is None or theirs is None or theirs.p50_ms <= 0:
        return Target(what, limit, None, None, None, 0)
    return Target(what, limit, None, ours.p50_ms / theirs.p50_ms, None, min(ours.n, theirs.n))


def _share(what: str, limit: float, got: Share) -> Target:
    return Target(what, limit, None, got.rate, None, got.n)


def _noises(name: str, got: Summary) -> Target:
    return Target(f"{name}: false interruptions a minute", 0.2, None, got.false_a_minute, None, got.noises.n)


def _barge_in(name: str, got: Summary) -> Target:
    return _times(f"{name}: sound stops for a true interruption, ms", (250, 250), got.barge_in)


def _figure(what: str, limit: float, got: float | None, calls: int) -> Target:
    return Target(what, limit, None, got, None, calls if got is not None else 0)
