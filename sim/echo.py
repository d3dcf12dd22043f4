"""What a caller's device lets back in: what it plays, picked up by its own microphone, later and softer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc

if TYPE_CHECKING:
    from sim.waveform import Pcm

KEPT_S = 3.0
"""Of what was played; a microphone picks up what is a tenth of that old."""
SLIP_S = 0.005
"""A block that is dated by less than this off the one before follows it without a jump."""


@dataclass(frozen=True)
class Echo:
    """`loss_db`: how much softer than it was played. `delay_ms`: from the loudspeaker's sample to the microphone's.

    Below LEAST_DELAY_MS a busy event loop would hear too late what it has to send.
    """

    loss_db: float
    delay_ms: float = 120.0

    def __post_init__(self) -> None:
        if self.loss_db < 0:
            raise ValueError(f"loss_db: got {self.loss_db:g}, allowed: 0 and more")
        if self.delay_ms < LEAST_DELAY_MS:
            raise ValueError(f"delay_ms: got {self.delay_ms:g}, allowed: {LEAST_DELAY_MS:g} and more")


LEAST_DELAY_MS = 100.0


class EchoPath:
    """From one track that is heard to the microphone, at `rate_hz`. All times are `time.perf_counter()`."""

    def __init__(self, echo: Echo, rate_hz: int) -> None:
        self.missed_samples = 0
        """Asked for before they were heard, and silent for it: the delay is too short for this machine."""
        self._echo = echo
        self._rate_hz = rate_hz
        self._gain = 10 ** (-echo.loss_db / 20)
        self._resampler: rtc.AudioResampler | None = None
        self._played = np.zeros(0, np.int16)
        self._first = 0  # number of the first sample that is kept
        self._zero_at: float | None = None  # when sample 0 was played, by the promptest block
        self._next: int | None = None

    def hear(self, pcm: Pcm, rate_hz: int, ended_at: float) -> None:
        """The loudspeaker plays `pcm` (mono); its last sample came at `ended_at`."""
        self._played = np.concatenate((self._played, self._resampled(pcm, rate_hz)))
        surplus = len(self._played) - round(KEPT_S * self._rate_hz)
        if surplus > 0:
            self._played, self._first = self._played[surplus:], self._first + surplus
        zero_at = ended_at - (self._first + len(self._played)) / self._rate_hz
        self._zero_at = zero_at if self._zero_at is None else min(self._zero_at, zero_at)

    def pick_up(self, count: int, leaves_at: float) -> Pcm:
        """The next `count` samples in the microphone, of which the first leaves at `leaves_at`."""
        picked = np.zeros(count, np.int16)
        if self._zero_at is None:
            return picked
        begin = round((leaves_at - self._echo.delay_ms / 1000 - self._zero_at) * self._rate_hz)
        if self._next is not None and abs(begin - self._next) < SLIP_S * self._rate_hz:
            begin = self._next
        self._next = begin + count
        at = max(begin, self._first)
        known = self._played[at - self._first : max(begin + count - self._first, 0)]
        picked[at - begin : at - begin + len(known)] = known * self._gain
        self.missed_samples += max(begin + count - max(self._first + len(self._played), begin), 0)
        return picked

    def _resampled(self, pcm: Pcm, rate_hz: int) -> Pcm:
        if rate_hz == self._rate_hz:
            return pcm
        if self._resampler is None:
            self._resampler = rtc.AudioResampler(rate_hz, self._rate_hz, num_channels=1)
        frames = self._resampler.push(bytearray(np.ascontiguousarray(pcm, np.int16).tobytes()))
        return np.concatenate([np.frombuffer(frame.data, np.int16) for frame in frames] or [np.zeros(0, np.int16)])
