"""What accounts must hold, and whether this run did. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.first_word.tables import over
from bench.stats import quantiles
from bench.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.accounts.results import AccountsReport, Apart, Audio, Pair, Synthesis

MANY_LIMIT = 1.05
ACCOUNT_LIMIT_KB = 40.0
OWN_WORK_MS = 60.0
MEGA = 1e6


def targets(report: AccountsReport) -> tuple[Target, ...]:
    """Those of the parts that were measured."""
    return tuple(_targets(report))


def _targets(report: AccountsReport) -> Iterator[Target]:
    yield from map(_many, report.many)
    if report.memory is not None:
        memory = report.memory
        kb = memory.traced_bytes / 1000
        yield Target("a cached account without its sound, KB", ACCOUNT_LIMIT_KB, None, kb, None, memory.accounts)
    if report.audio is not None:
        yield from _audio(report.audio)
    if report.synthesis is not None:
        for pair in report.new:
            yield from _new(pair, report.store_ms, report.synthesis)
    for fault in report.faults:
        yield _none(f"{fault.title}: callers who did not hear what they should", len(fault.wrong), fault.calls)
        yield _none(f"{fault.title}: calls missing in the counters", fault.miscounted, fault.calls)
        yield _none(f"{fault.title}: lines of the log too many or few", abs(fault.lines - fault.events), fault.calls)
    if report.apart is not None:
        yield from _apart(report.apart)
    if report.verdicts:
        calls = sum(report.verdicts[0].calls.values())
        yield _none("experiments: wrong verdicts", sum(each.wrong for each in report.verdicts), calls)


def _many(pair: Pair) -> Target:
    ours, theirs = (quantiles(pair.ttfw_ms[kind]) for kind in pair.kinds)
    ratios = over(ours, theirs)
    got = ratios or (None, None)
    n = min(len(times) for times in pair.ttfw_ms.values())
    return Target(f"{pair.title}: any account over always the same", MANY_LIMIT, MANY_LIMIT, *got, n)


def _new(pair: Pair, store_ms: float, synthesis: Synthesis) -> Iterator[Target]:
    new, warm = (quantiles(pair.ttfw_ms[kind]) for kind in pair.kinds)
    more = (None, None) if new is None or warm is None else (new.p50_ms - warm.p50_ms, new.p90_ms - warm.p90_ms)
    n = min(len(times) for times in pair.ttfw_ms.values())
    for spoken, tts_ms in (
        ("TTS to the first byte", synthesis.first_byte_ms),
        ("TTS to the last byte", synthesis.whole_ms),
    ):
        limit_ms = store_ms + tts_ms + OWN_WORK_MS
        yield Target(f"{pair.title}: ms over a known account; store + {spoken} + 60", limit_ms, None, *more, n)


def _audio(audio: Audio) -> Iterator[Target]:
    yield Target("greetings in memory", audio.most_in_memory, None, audio.in_memory, None, 1)
    yield Target("greetings on disk, MB", audio.most_disk_bytes / MEGA, None, audio.disk_bytes / MEGA, None, 1)


def _apart(apart: Apart) -> Iterator[Target]:
    """Of all that was looked at, nothing may be another account's."""
    yield _none("at once: greetings in another's words", len(apart.words), apart.calls)
    yield _none("at once: greetings and answers in another's voice", len(apart.voice), apart.voices)
    yield _none("LLM requests with another's instructions", len(apart.instructions), apart.requests)
    yield _none("LLM requests with another's tools", len(apart.tools), apart.requests)
    yield _none("LLM requests with another's transcript", len(apart.transcript), apart.requests)


def _none(what: str, found: int, n: int) -> Target:
    return Target(what, 0, None, found if n else None, None, n)
