"""What came of the calls' accounts and of the reads for them, counted."""

from __future__ import annotations

from collections import Counter
from typing import Literal, get_args

import prometheus_client

Reason = Literal[
    # one of these for each call
    "found",
    "unnamed",
    "unknown",
    "disabled",
    "broken",
    "store_failed",
    "store_slow",
    "gave_up",
    "over_limit",
    # where an account came from that was found or over its limit
    "cached",
    "stale",
    "loaded",
    # what happened behind the calls
    "refreshed",
    "refresh_failed",
    "prepared",
    "prepare_failed",
]
"""`stale`: cached, and its last read failed. `gave_up`: whoever asked did not wait for the answer."""

REASONS: tuple[Reason, ...] = get_args(Reason)


METRIC = prometheus_client.Counter("firstword_accounts", "What came of the calls' accounts.", ["reason"])
for each in REASONS:
    METRIC.labels(each)  # a rate over a counter that is not there yet would miss its first count


class AccountTally:
    """Counters since the worker's start, one a reason; Prometheus has them as `firstword_accounts_total`."""

    def __init__(self) -> None:
        self._counts: Counter[Reason] = Counter()

    def add(self, reason: Reason) -> None:
        self._counts[reason] += 1
        METRIC.labels(reason).inc()

    def snapshot(self) -> dict[Reason, int]:
        """All of them as they are now, those of 0 too."""
        return {reason: self._counts[reason] for reason in REASONS}

    def told(self) -> dict[Reason, int]:
        """Those that are not 0, for a line of the log."""
        return {reason: count for reason, count in self.snapshot().items() if count}
