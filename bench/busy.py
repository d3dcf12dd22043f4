"""How much of all cores was taken between two readings of `psutil.cpu_times()`."""

from __future__ import annotations

from typing import Any


def busy_share(before: Any, after: Any) -> float:
    """0 to 1; 0 where no time lies between."""
    all_s = sum(after) - sum(before)
    idle_s = after.idle + after.iowait - before.idle - before.iowait
    return min(max(0.0, 1 - idle_s / all_s), 1.0) if all_s > 0 else 0.0  # a counter may go back a little
