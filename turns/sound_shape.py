"""What a sound is like, frame by frame, as far as level and pitch range tell it: how old, is it over, is it a hum?"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from utils.audio import FULL_SCALE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from utils.audio import Pcm

BELOW_PEAK_DB = 18.0
"""What lies deeper is no voice: the room's answer to a word, or the closed lips within one."""
HISS_BELOW_PEAK_DB = 30.0
HISS_ABOVE = 0.6
"""Of a frame's power that of its differences is 0.01 to 0.3 in a voice and 0.8 to 2.5 in an "s" or "f"."""
OVER_NOISE_DB = 8.0
LEAST_DB = -50.0
NOISE_BLOCK_S, NOISE_BLOCKS = 0.5, 4
"""The noise is the softest frame of these two seconds or more."""
GAP_S = 0.2
"""Quiet after which a sound is a new one."""
HUM_SPLIT_HZ = 1000.0
HUM_UNDER_DB = -27.0
"""A closed mouth has so little above 1 kHz; of the vowels only "oo" comes near."""
HUM_SHARE = 0.85
HUM_FRAMES = 8


class SoundShape:
    """Fed with the caller's frames, int16 mono, 10 ms; 20 µs each. Times are seconds of audio."""

    def __init__(self) -> None:
        self.age_s = 0.0
        """Since the sound's first loud frame began; 0 before the first sound."""
        self.loud_s = 0.0
        """From there to the end of its last loud frame."""
        self._peak_db = LEAST_DB
        self._loud, self._humming = 0, 0
        self._softest: deque[float] = deque(maxlen=NOISE_BLOCKS)
        self._softest_now, self._block_s = 0.0, 0.0

    @property
    def quiet_s(self) -> float:
        """Since the last loud frame."""
        return self.age_s - self.loud_s

    @property
    def is_hum(self) -> bool:
        """Whether the mouth was closed nearly all the time."""
        return self._loud >= HUM_FRAMES and self._humming >= HUM_SHARE * self._loud

    def push(self, pcm: Pcm, rate_hz: int, *, same: bool = False) -> None:
        """Judge one frame. `same`: however long it was quiet, this is not a new sound."""
        if not len(pcm):
            return
        sound, length_s = pcm.astype(np.float32) / np.float32(FULL_SCALE), len(pcm) / rate_hz
        power = float(sound.dot(sound)) / len(sound) + 1e-10
        level_db = 10 * float(np.log10(power))
        steps = np.diff(sound)
        is_hiss = float(steps.dot(steps)) / len(sound) / power > HISS_ABOVE
        noise_db = self._noise_db(level_db, length_s)
        if not same and self.quiet_s >= GAP_S:
            self._peak_db = LEAST_DB
        below_db = HISS_BELOW_PEAK_DB if is_hiss else BELOW_PEAK_DB
        is_loud = level_db > max(self._peak_db - below_db, noise_db + OVER_NOISE_DB, LEAST_DB)
        if is_loud and (not self._loud or (not same and self.quiet_s >= GAP_S)):
            self.age_s, self._loud, self._humming = 0.0, 0, 0
        if self._loud or is_loud:
            self.age_s += length_s
        if is_loud:
            self.loud_s = self.age_s
            self._peak_db = max(self._peak_db, level_db)
            self._loud += 1
            self._humming += _high_db(sound, rate_hz) < HUM_UNDER_DB

    def _noise_db(self, level_db: float, length_s: float) -> float:
        self._softest_now = min(self._softest_now, level_db)
        noise_db = min(self._softest_now, min(self._softest, default=0.0))
        self._block_s += length_s
        if self._block_s >= NOISE_BLOCK_S:
            self._softest.append(self._softest_now)
            self._softest_now, self._block_s = level_db, 0.0
        return noise_db


def _high_db(sound: NDArray[np.float32], rate_hz: int) -> float:
    """How much of the power lies above HUM_SPLIT_HZ."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    first = int(HUM_SPLIT_HZ * len(sound) / rate_hz) + 1
    return 10 * float(np.log10((float(power[first:].sum()) + 1e-12) / (float(power.sum()) + 1e-12)))
