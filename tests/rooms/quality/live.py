"""What the tests of real calls share."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from rooms.performance.sections import QualityMonitoring

if TYPE_CHECKING:
    from rooms.quality.call_link import RoomQuality
    from rooms.quality.watch import Watch

BY_HAND_S = 3600.0
LENIENT = QualityMonitoring(interval_s=BY_HAND_S, excellent=0.6, good=0.4, fair=0.2)
"""On a machine that is busy with other tests a good network is not excellent."""


async def measured(watch: Watch) -> RoomQuality:
    """The first look that tells of both sides."""
    async with asyncio.timeout(15):
        while True:
            quality = await watch.look()
            if {each.is_agent for each in quality.participants if each.score is not None} == {True, False}:
                return quality
            await asyncio.sleep(0.5)
