"""How often somebody may ask: limits of the library `limits`, in this process's memory."""

from __future__ import annotations

import time

from limits import parse
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter

MOST_NAMES = 10_000


class Rate:
    """`Rate("30/second", "300/minute").wait_s(address)`: all of the limits hold, for each name apart.

    Windows slide: what was used in the last one counts for the part of it that still lies within the span. More than
    MOST_NAMES at once share one limit, so that many names cannot fill the memory. Raises ValueError for a limit that
    `limits` cannot read.
    """

    def __init__(self, *limits: str) -> None:
        self._limits = [parse(each) for each in limits]
        self._storage = MemoryStorage()
        self._strategy = SlidingWindowCounterRateLimiter(self._storage)

    def __repr__(self) -> str:
        return f"Rate({', '.join(map(str, self._limits))})"

    def wait_s(self, name: str = "") -> float:
        """0.0 and one taken, or about the seconds until one may be had; then none is taken."""
        if len(self._storage.expirations) >= MOST_NAMES:
            name = "everybody"
        full = [each for each in self._limits if not self._strategy.test(each, name)]
        if full:
            now = time.time()
            return max(0.001, *(self._strategy.get_window_stats(each, name).reset_time - now for each in full))
        for each in self._limits:
            self._strategy.hit(each, name)
        return 0.0
