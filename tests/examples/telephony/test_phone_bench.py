"""The measurement behind the README's figure: both ways are called, and what they took is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from examples.telephony.bench import Samples, measure, table

if TYPE_CHECKING:
    from examples.telephony.simulated.place import Place


async def test_each_way_is_called(place: Place) -> None:
    """An agent that is ready is heard before one that is sent for, and nobody before who is sending already."""
    samples = await measure(place, calls=1, rings_s=0.5, uncounted=0)
    assert samples.failed == []
    took = {way: each[0] for way, each in samples.each_ms.items()}
    assert 0 < took["ready"] < took["sent for"]


def test_the_table_has_ratio_and_counts() -> None:
    """p50 / p90 / p99 with n; a way without samples is a dash."""
    told = table(Samples({"sent for": [400.0, 600.0], "ready": [100.0, 100.0], "floor": []}).comparison())
    assert "| agent sent for when answered | 500 / 580 / 598 (2) |" in told
    assert "| agent ready before it rings | 100 / 100 / 100 (2) |" in told
    assert "sending already | - |" in told
    assert "| ratio p50 / p90 | 5.0x / 5.8x |" in told
