"""What a Soniox client sends as audio: bytes of any size and rate, to samples for the ears."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import av
import numpy as np

from .ears.base import EARS_RATE_HZ, Samples

if TYPE_CHECKING:
    from collections.abc import Iterator

SLICE = EARS_RATE_HZ // 20


class PcmDecoder:
    """Bytes of any size and rate to int16 samples at 16 kHz."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rest = b""
        self._rate_hz = sample_rate_hz
        self._resampler = None
        if sample_rate_hz != EARS_RATE_HZ:
            self._resampler = av.AudioResampler("s16", "mono", EARS_RATE_HZ)

    def __call__(self, data: bytes) -> Samples:
        data = self._rest + data
        whole = len(data) & ~1
        self._rest = data[whole:]
        pcm = np.frombuffer(data[:whole], "<i2").astype(np.int16)
        if self._resampler is None or not len(pcm):
            return pcm
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = self._rate_hz
        parts = [cast("Samples", out.to_ndarray()[0]) for out in self._resampler.resample(frame)]
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def slices(pcm: Samples) -> Iterator[Samples]:
    """Pieces of at most 50 ms: a large block must not hide a pause inside it."""
    for start in range(0, len(pcm), SLICE):
        yield pcm[start : start + SLICE]
