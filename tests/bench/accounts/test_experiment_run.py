"""A few real calls of the two experiments: each has a variant in both, and what it gave is in the store."""

from __future__ import annotations

from bench.accounts.experiment import EFFECT, NO_EFFECT
from bench.accounts.plan import Options
from bench.accounts.run import run_accounts

FEW = Options(experiment_calls=3, accounts=8, called=4, parts=("experiment",))


async def test_each_call_is_in_both_experiments() -> None:
    """So few that the report cannot say more than that."""
    report = await run_accounts(FEW)
    assert report.failed == ()
    assert [verdict.experiment for verdict in report.verdicts] == [EFFECT, NO_EFFECT]
    for verdict in report.verdicts:
        assert sum(verdict.calls.values()) == FEW.experiment_calls + 1  # the worker's first call is one, too
        assert verdict.first_word == "too few calls"
        assert verdict.others == ()
