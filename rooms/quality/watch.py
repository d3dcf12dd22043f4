"""One call that is watched: a look each interval, and what follows from it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from rooms.quality.call_link import CallLink, RoomQuality
from rooms.quality.episode import Episode
from rooms.quality.link_word import tell
from rooms.quality.strain import Strain
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit import rtc

    from rooms.performance.sections import AudioConfig, QualityMonitoring

log = get_logger("quality")


class Watch:
    """Begins at once; needs a running loop. Ends with the room, or by `aclose`, and then calls `ended`."""

    def __init__(
        self,
        room: rtc.Room,
        audio: AudioConfig,
        settings: Callable[[], QualityMonitoring],
        *,
        ended: Callable[[Watch], None],
    ) -> None:
        self.quality = RoomQuality(room.name)
        """Of the last look."""
        self.strain = Strain(audio)
        """The network is bad, and the page has been told."""
        self.loss_alert = Episode()
        """Fewer packets arrive than `min_success_rate`."""
        self._room = room
        self._settings = settings
        self._link = CallLink(room)
        self._told = ""
        self._word = ""
        self._woken = asyncio.Event()
        # "disconnected" is not told where the room's last event overtakes it.
        room.on("connection_state_changed", self._on_state)
        self._task = asyncio.create_task(self._run(), name=f"quality of {room.name}")
        self._task.add_done_callback(lambda _: self._finish(ended))

    def wake(self) -> None:
        """The settings have changed: the interval begins anew."""
        self._woken.set()

    async def aclose(self) -> None:
        """Any number of times."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def look(self) -> RoomQuality:
        """Look now, and do what follows."""
        thresholds = self._settings()
        self.quality = quality = await self._link.look(thresholds)
        self._judge_loss(quality, thresholds)
        self._word = self.strain.looked(quality, thresholds) or self._word
        if self._word != self._told and await tell(self._room, self._word):
            self._told = self._word
        return quality

    def _judge_loss(self, quality: RoomQuality, thresholds: QualityMonitoring) -> None:
        rate = quality.success_rate
        if rate is None or not self.loss_alert.looked(wrong=rate < thresholds.min_success_rate):
            return
        figures = {
            "room": quality.room,
            "success_rate": round(rate, 3),
            "min_success_rate": thresholds.min_success_rate,
        }
        if self.loss_alert.is_on:
            worst = quality.worst
            log.warning("packets of a call are lost", **figures, participant=worst.identity if worst else None)
        else:
            log.info("packets of a call arrive again", **figures)

    async def _run(self) -> None:
        while self._room.isconnected():
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings().interval_s):
                    await self._woken.wait()
            if not self._woken.is_set() and self._settings().enabled and self._room.isconnected():
                try:
                    await self.look()
                except Exception:  # the call goes on, and so does its watch
                    log.exception("a look at the network of a call failed", room=self._room.name)

    def _finish(self, ended: Callable[[Watch], None]) -> None:
        self._room.off("connection_state_changed", self._on_state)
        ended(self)

    def _on_state(self, *_: object) -> None:
        if not self._room.isconnected():
            self._woken.set()
