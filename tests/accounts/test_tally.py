"""What is counted of accounts, and where it is seen."""

from __future__ import annotations

from prometheus_client import REGISTRY

from accounts.tally import REASONS, AccountTally


def counted(reason: str) -> float | None:
    return REGISTRY.get_sample_value("firstword_accounts_total", {"reason": reason})


def test_each_reason_is_a_count_and_a_metric() -> None:
    """Two of a worker's tallies count apart, and into one metric."""
    before = counted("store_failed")
    assert before is not None
    first, second = AccountTally(), AccountTally()
    first.add("store_failed")
    second.add("store_failed")
    second.add("found")
    assert first.told() == {"store_failed": 1}
    assert second.told() == {"store_failed": 1, "found": 1}
    assert counted("store_failed") == before + 2


def test_what_has_not_happened_yet_is_there_as_nothing() -> None:
    """A rate over a series that begins with 1 would miss its first count."""
    assert all(counted(reason) is not None for reason in REASONS)
    assert AccountTally().snapshot() == dict.fromkeys(REASONS, 0)
