"""For how long has the caller been quiet, by the level of the sound alone? Silero says it 110 ms later."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from utils.audio import FULL_SCALE

if TYPE_CHECKING:
    from livekit import rtc


def _ratio(db: float) -> float:
    """Levels in here are powers, 1.0 is full scale."""
    return 10 ** (db / 10)


# Read off the 23 recordings of sim/speech with words shown 150 ms late: 12 dB below a peak that falls 8 dB/s takes
# 2.2 soft syllables a turn for its end, 16 dB and 25 dB/s take 1.5, and find the end as soon.
BELOW_PEAK = _ratio(-16)
PEAK_FALLS_A_SECOND = _ratio(-25)
LEAST_PEAK = _ratio(-40)  # softer is no voice on a phone
OVER_NOISE = _ratio(3)
PEAK_OVER_NOISE = _ratio(11)
NOISE_BLOCK_S, NOISE_BLOCKS = 0.5, 4
"""The noise is the softest moment of these two seconds or more: nobody speaks for so long without one."""
HALF_LIFE_S = 0.01  # of a sound in the level: a soft syllable is then not a hole
LOUD_S = 0.02  # a click is shorter, the begin of a word is not


class QuietGate:
    """Fed the caller's frames (int16 mono, 10 ms, any rate); 3 µs each.

    Quiet is what lies far below the voice's recent peak, or hardly above the noise. What is counted is audio, so a
    stream that stands still does not become quiet.
    """

    def __init__(self) -> None:
        self.quiet_s = 0.0
        """Since the caller's last sound. 0 while there is sound, and before the first one."""
        self._heard = False
        self._level: float | None = None
        self._peak = LEAST_PEAK
        self._loud_s = 0.0
        self._softest: deque[float] = deque(maxlen=NOISE_BLOCKS)
        self._softest_now, self._block_s = 1.0, 0.0

    def push(self, frame: rtc.AudioFrame) -> None:
        """Judge one frame."""
        if not frame.samples_per_channel:
            return
        samples = np.frombuffer(frame.data, dtype=np.int16).astype(np.float32)
        self._judge(
            float(samples.dot(samples)) / (len(samples) * FULL_SCALE**2),
            frame.samples_per_channel / frame.sample_rate,
        )

    def _judge(self, power: float, length_s: float) -> None:
        kept = 0.5 ** (length_s / HALF_LIFE_S) if self._level is not None else 0.0
        self._level = level = power + kept * ((self._level or 0.0) - power)
        noise = self._noise(level, length_s)
        self._peak = max(level, self._peak * PEAK_FALLS_A_SECOND**length_s, LEAST_PEAK, noise * PEAK_OVER_NOISE)
        least = max(self._peak * BELOW_PEAK, noise * OVER_NOISE)
        self._loud_s = self._loud_s + length_s if power > least else 0.0
        if self._loud_s >= LOUD_S - 1e-9:
            self._heard, self.quiet_s = True, 0.0
        elif self._heard and (self.quiet_s or level <= least):
            self.quiet_s += length_s

    def _noise(self, level: float, length_s: float) -> float:
        self._softest_now = min(self._softest_now, level)
        noise = min(self._softest_now, min(self._softest, default=1.0))
        self._block_s += length_s
        if self._block_s >= NOISE_BLOCK_S:
            self._softest.append(self._softest_now)
            self._softest_now, self._block_s = level, 0.0
        return noise
