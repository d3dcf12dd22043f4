"""A monitor that has seen a pool and two calls."""

from __future__ import annotations

from typing import Any

from rooms.quality.call_link import ParticipantQuality, RoomQuality
from rooms.quality.monitor import QualityMonitor
from tests.rooms.quality.pool_figures import client, pool

ADA = ParticipantQuality("ada", False, "poor", 0.2, 30.0, 200.0, 0.3, "poor")
AGENT = ParticipantQuality("agent", True, "excellent", 0.0, 2.0, 200.0, 0.86, "good")


class Known(QualityMonitor):
    """Its calls are given."""

    def __init__(self, *rooms: RoomQuality, **options: Any) -> None:
        super().__init__(**options)
        self._seen = rooms

    @property
    def rooms(self) -> tuple[RoomQuality, ...]:
        return self._seen

    @property
    def strained(self) -> tuple[str, ...]:
        return tuple(quality.room for quality in self._seen if quality.grade == "poor")


def known() -> Known:
    rooms = (RoomQuality("worse", (ADA, AGENT), 0.3, "poor", 0.8), RoomQuality("new"))
    monitor = Known(*rooms, pool=lambda: pool(client(10, 20.0, 1)))
    monitor.look()
    return monitor
