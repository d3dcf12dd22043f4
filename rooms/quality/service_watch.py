"""The calls of a service are watched, each from its first word on: an observer of the call does that."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import prometheus_client

from rooms.creation import read_audio_config
from rooms.quality.metrics import QualityCollector
from rooms.quality.monitor import QualityMonitor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from livekit import rtc
    from livekit.agents import JobContext

    from observe.observer import CallObserver, CallRecord, TurnRecord
    from rooms.performance.sections import AudioConfig, QualityMonitoring
    from rooms.quality.watch import Watch
    from service import Service

MONITOR = "quality monitor"
"""In the userdata of a job's process: the one monitor of all its calls."""


def with_quality(service: Service, settings: QualityMonitoring, audio: AudioConfig) -> Service:
    """`service`, with each call watched. `audio` is for rooms whose metadata says nothing of theirs."""
    return replace(service, observers=Observers(service.observers, settings, audio)) if settings.enabled else service


@dataclass(frozen=True)
class Observers:
    """What a `Service` asks for the observers of a call; crosses a process border."""

    others: Callable[[JobContext], Sequence[CallObserver]] | None
    settings: QualityMonitoring
    audio: AudioConfig

    def __call__(self, context: JobContext) -> Sequence[CallObserver]:
        others = self.others(context) if self.others is not None else ()
        return [*others, LinkObserver(monitor_of(context, self.settings), context.room, self.audio)]


def monitor_of(context: JobContext, settings: QualityMonitoring) -> QualityMonitor:
    """The one of this process; made with `settings` if this is its first call."""
    userdata = context.proc.userdata
    if MONITOR not in userdata:
        userdata[MONITOR] = monitor = QualityMonitor(settings)
        with suppress(ValueError):  # a second worker in one process: its names are taken by the first
            prometheus_client.REGISTRY.register(QualityCollector(monitor))
    return userdata[MONITOR]


class LinkObserver:
    """Of one call."""

    def __init__(self, monitor: QualityMonitor, room: rtc.Room, audio: AudioConfig) -> None:
        self._monitor = monitor
        self._room = room
        self._audio = audio
        self._watch: Watch | None = None

    async def started(self, call: CallRecord) -> None:
        self._watch = self._monitor.watch(self._room, read_audio_config(self._room.metadata, self._audio))

    async def turned(self, call: CallRecord, turn: TurnRecord) -> None:
        """A turn changes nothing on the network."""

    async def ended(self, call: CallRecord) -> None:
        if self._watch is not None:
            await self._watch.aclose()
