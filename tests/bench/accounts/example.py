"""A report on accounts with something in each of its parts, for the tests of what shows it."""

from __future__ import annotations

from dataclasses import replace

from bench.accounts.cached_memory import CachedMemory
from bench.accounts.results import AccountsReport, Apart, Audio, Fault, Pair, Synthesis, Verdict
from bench.accounts.targets import targets
from bench.first_word.results import Span, Waterfall
from bench.machine import Machine

MACHINE = Machine(2, "Test CPU", "Linux x86_64", "3.11.7", "1.8.9", "1.13.5", 0.5)
SPANS = (Span("account", 20.0, 330.0), Span("room", 21.0, 90.0))
SENTENCES = ("first word: b is worse by 198 ms",)


def example_report() -> AccountsReport:
    """Everything is as it should be but for the TTS, of which the first call waits for the last byte."""
    report = AccountsReport(
        command="agent.py bench accounts --calls 3",
        machine=MACHINE,
        seed=1,
        accounts=1000,
        called=200,
        many=(
            Pair(
                "one or many accounts, dispatch on join",
                "join",
                {"one": [100.0, 110.0, 120.0], "any": [102.0, 112.0, 121.0]},
                ("any", "one"),
            ),
        ),
        new=(
            Pair(
                "first call of an account, dispatch on join",
                "join",
                {"warm": [100.0, 110.0, 120.0], "new": [800.0, 810.0, 900.0]},
                ("new", "warm"),
            ),
        ),
        store_ms=300.0,
        synthesis=Synthesis(204.0, 550.0, 3500.0),
        waterfalls=(
            Waterfall(
                "new, dispatch on join", "join", 810.0, (Span("account", 20.0, 330.0), Span("room", 21.0, 90.0)), {}
            ),
        ),
        memory=CachedMemory(1000, 4000.0, 5100.0),
        audio=Audio(64, 64, 10_000_000, 42_000_000, 67_108_864),
        faults=(Fault("slow", "the store is slow", 4, 4, (), {"store_slow": 4, "found": 4}, {"store_slow": 4}, 4, 4),),
        apart=Apart(40, 44, 90, 2),
        verdicts=(
            Verdict(
                "silence", "200 ms", {"a": 44, "b": 46}, "worse", "worse", (), ("first word: b is worse by 198 ms",)
            ),
        ),
    )
    return replace(report, targets=targets(report))
