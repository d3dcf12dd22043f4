"""The service, and with it what the folder `rooms` does in its calls."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service import Service


def with_rooms(service: Service) -> Service:
    """`service` with each call's network watched, its sound as the room wants it, and its caller's texts answered.

    Itself where the folder `rooms` was taken out.

    Raises ValueError with a line for each fault of performance.yaml, or of the environment over it.
    """
    if importlib.util.find_spec("rooms") is None:
        return service
    from rooms.channel.agent_end import with_requests
    from rooms.performance.problems import PerformanceError
    from rooms.performance.settings_file import load_performance
    from rooms.quality.service_watch import with_quality
    from rooms.room_sound import room_settings

    try:
        settings = load_performance()
    except PerformanceError as error:
        raise ValueError(str(error)) from None
    adapted = replace(with_requests(service), room_settings=service.room_settings or room_settings)
    return with_quality(adapted, settings.quality_monitoring, settings.audio_optimization)
