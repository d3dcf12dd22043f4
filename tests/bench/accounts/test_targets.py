"""Each limit is held, missed or not measured by what was found."""

from __future__ import annotations

from dataclasses import replace

from bench.accounts.results import AccountsReport, Fault
from bench.accounts.targets import targets
from tests.bench.accounts.example import MACHINE, example_report

EMPTY = AccountsReport("agent.py bench accounts", MACHINE, 1, 1000, 200)


def reached(report: AccountsReport) -> dict[str, bool | None]:
    return {target.what: target.reached for target in targets(report)}


def test_a_run_of_nothing_has_no_targets() -> None:
    """Parts that were not asked for are not told as missed."""
    assert targets(EMPTY) == ()


def test_the_first_call_is_told_by_both_of_the_voices_times() -> None:
    """The first byte, and the last one, which it waits for."""
    found = reached(example_report())
    missed = [what for what, is_reached in found.items() if is_reached is False]
    assert missed == [
        "first call of an account, dispatch on join: ms over a known account; store + TTS to the first byte + 60"
    ]
    assert len(found) == 15


def test_many_accounts_must_not_be_slower_than_one() -> None:
    """By more than 5 percent, at p50 and p90."""
    report = example_report()
    (pair,) = report.many
    slow = replace(pair, ttfw_ms={"one": [100.0, 100.0], "any": [107.0, 107.0]})
    none = replace(pair, ttfw_ms={"one": [100.0, 100.0], "any": []})
    assert reached(replace(EMPTY, many=(pair,)))[f"{pair.title}: any account over always the same"]
    assert list(reached(replace(EMPTY, many=(slow,))).values()) == [False]
    assert [each.reached for each in targets(replace(EMPTY, many=(none,)))] == [None]


def test_a_fault_may_cost_no_caller_no_count_and_no_line() -> None:
    """A line more than there were events is as wrong as one less."""
    fine = Fault("down", "away", 4, 4, (), {"store_failed": 5}, {"store_failed": 4}, 5, 5)
    assert fine.calls == 8
    assert list(reached(replace(EMPTY, faults=(fine,))).values()) == [True] * 3
    bad = replace(fine, wrong=("shop-0001: silence",), counts={"store_failed": 3}, lines=9)
    assert list(reached(replace(EMPTY, faults=(bad,))).values()) == [False] * 3
    assert bad.miscounted == 1


def test_a_mixed_up_call_and_a_wrong_verdict_miss_their_target() -> None:
    """Each by itself."""
    report = example_report()
    assert report.apart is not None
    (verdict,) = report.verdicts
    blind = replace(verdict, first_word="no difference found")
    chatty = replace(verdict, others=("errors",))
    assert (verdict.wrong, blind.wrong, chatty.wrong) == (0, 1, 1)
    mixed = replace(EMPTY, apart=replace(report.apart, tools=("answer 3",)), verdicts=(blind,))
    assert [what for what, is_reached in reached(mixed).items() if not is_reached] == [
        "LLM requests with another's tools",
        "experiments: wrong verdicts",
    ]
