"""When the caller was last audible, measured on the audio itself and not by a detector's opinion."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from livekit.agents.voice.io import AudioInput

from utils.audio import AUDIBLE_DBFS, FULL_SCALE

if TYPE_CHECKING:
    from livekit import rtc

OVER_NOISE_DB = 15.0
FLOOR_RISE_DB_PER_S = 10.0  # believed at once when it falls; a fan is believed after seconds, a long vowel never is


class CallerAudio(AudioInput):
    """Passes frames on and notes when the last audible one arrived. Costs about 5 µs a frame."""

    def __init__(self, source: AudioInput) -> None:
        super().__init__(label="caller audio", source=source)
        self._floor_dbfs = 0.0
        self.last_audible_at_s: float | None = None
        """`time.time()` of the last audible sample, to within a frame."""

    async def __anext__(self) -> rtc.AudioFrame:
        frame = await super().__anext__()
        self.note(frame, time.time())
        return frame

    def note(self, frame: rtc.AudioFrame, arrived_at_s: float) -> None:
        """Judge one frame that ended arriving at `arrived_at_s`."""
        peak = int(np.abs(np.frombuffer(frame.data, dtype=np.int16).astype(np.int32)).max(initial=0))
        level_dbfs = 20.0 * float(np.log10(max(peak, 1) / FULL_SCALE))
        self._floor_dbfs = min(level_dbfs, self._floor_dbfs + FLOOR_RISE_DB_PER_S * frame.duration)
        if level_dbfs > max(AUDIBLE_DBFS, self._floor_dbfs + OVER_NOISE_DB):
            self.last_audible_at_s = arrived_at_s
