"""LiveKit's control plane: who may enter a room, which agent is sent into it, how much there may be, how well it goes.

What a program of yours needs of it is here by name, and imported when it is used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rooms.optimizer import (
        PerformanceOptimizer,
        get_performance_optimizer,
        initialize_performance_optimizer,
        shutdown_performance_optimizer,
    )
    from rooms.performance.sections import AudioConfig, RoomLimits

__all__ = [
    "AudioConfig",
    "PerformanceOptimizer",
    "RoomLimits",
    "get_performance_optimizer",
    "initialize_performance_optimizer",
    "shutdown_performance_optimizer",
]
_SECTIONS = ("AudioConfig", "RoomLimits")


def __getattr__(name: str) -> object:
    # A worker imports a module of this folder at its start, and none of what the control plane needs.
    if name not in __all__:
        raise AttributeError(f"module 'rooms' has no attribute {name!r}")
    return getattr(
        importlib.import_module("rooms.performance.sections" if name in _SECTIONS else "rooms.optimizer"), name
    )
