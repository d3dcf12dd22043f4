"""Sound or silence, by energy: pure, driven by the audio's own clock."""

from __future__ import annotations

from collections import deque

import numpy as np

from .base import EARS_RATE_HZ, Activity, Samples

FRAME_MS = 10
FRAME_SAMPLES = EARS_RATE_HZ * FRAME_MS // 1000

QUIETEST_DBFS = -100.0
ONSET_FRAMES = 3
END_SILENCE_MS = 200
# Loud enough to be speech in digital silence; above noise by the margins below.
ONSET_DBFS, SUSTAIN_DBFS = -50.0, -55.0
ONSET_ABOVE_FLOOR_DB, SUSTAIN_ABOVE_FLOOR_DB = 10.0, 7.0
FLOOR_FRAMES = 300
# Speech without a breath must not be taken for noise, so the floor stops here.
FLOOR_LOWEST_DBFS, FLOOR_HIGHEST_DBFS = -70.0, -45.0


class Segmenter:
    """Finds where sound begins and ends, 10 ms at a time, above a noise floor that it learns.

    The floor is the tenth percentile of the last 3 s. A sound begins after 30 ms above the onset level and
    is over after 200 ms below the lower sustain level; `last_sound_ms` is known without that wait.
    """

    def __init__(self) -> None:
        self._rest: Samples = np.zeros(0, np.int16)
        self._frames = 0
        self._levels: deque[float] = deque(maxlen=FLOOR_FRAMES)
        self._floor_dbfs = FLOOR_LOWEST_DBFS
        self._loud_frames = 0
        self._fed_samples = 0
        self.segment_start_ms: float | None = None
        """Where the current sound began, None in silence."""
        self.last_sound_ms: float | None = None

    @property
    def heard_ms(self) -> float:
        return self._fed_samples * 1000 / EARS_RATE_HZ

    @property
    def activity(self) -> Activity:
        return Activity(self.heard_ms, self.segment_start_ms is not None, self.last_sound_ms)

    def feed(self, pcm: Samples) -> None:
        """Hear the next block of any length."""
        self._fed_samples += len(pcm)
        block = np.concatenate([self._rest, pcm]) if len(self._rest) else pcm
        count = len(block) // FRAME_SAMPLES
        self._rest = block[count * FRAME_SAMPLES :].copy()
        frames = block[: count * FRAME_SAMPLES].reshape(count, FRAME_SAMPLES).astype(np.float32) / 32768
        # The mean is taken away: an offset of the sound card is not sound.
        power = frames.var(axis=1)
        for level in (10 * np.log10(power + 10 ** (QUIETEST_DBFS / 10))).tolist():
            self._frame(level)

    def _frame(self, level_dbfs: float) -> None:
        end_ms = (self._frames + 1) * FRAME_MS
        self._frames += 1
        self._levels.append(level_dbfs)
        if self._frames % 10 == 0:
            learnt = float(np.percentile(np.fromiter(self._levels, float), 10))
            self._floor_dbfs = min(max(learnt, FLOOR_LOWEST_DBFS), FLOOR_HIGHEST_DBFS)
        if self.segment_start_ms is None:
            loud = level_dbfs > max(ONSET_DBFS, self._floor_dbfs + ONSET_ABOVE_FLOOR_DB)
            self._loud_frames = self._loud_frames + 1 if loud else 0
            if self._loud_frames >= ONSET_FRAMES:
                self.segment_start_ms = end_ms - self._loud_frames * FRAME_MS
                self.last_sound_ms = float(end_ms)
            return
        if level_dbfs > max(SUSTAIN_DBFS, self._floor_dbfs + SUSTAIN_ABOVE_FLOOR_DB):
            self.last_sound_ms = float(end_ms)
        elif self.last_sound_ms is not None and end_ms - self.last_sound_ms >= END_SILENCE_MS:
            self.segment_start_ms = None
            self._loud_frames = 0
