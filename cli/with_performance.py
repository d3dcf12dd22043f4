"""The service, and with it what performance.yaml says of its calls."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service import Service


def with_performance(service: Service) -> Service:
    """`service` with the network of each call watched; itself where the folder `rooms` was taken out.

    Raises ValueError with a line for each fault of the file, or of the environment over it.
    """
    if importlib.util.find_spec("rooms") is None:
        return service
    from rooms.performance.problems import PerformanceError
    from rooms.performance.settings_file import load_performance
    from rooms.quality.service_watch import with_quality

    try:
        settings = load_performance()
    except PerformanceError as error:
        raise ValueError(str(error)) from None
    return with_quality(service, settings.quality_monitoring, settings.audio_optimization)
