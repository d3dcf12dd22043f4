"""The shape of sound over time: compressed energy in a few bands, cheap to compare."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

from .base import EARS_RATE_HZ, Samples

Matrix = npt.NDArray[np.float32]

WINDOW_SAMPLES = EARS_RATE_HZ // 50
"""20 ms."""
# Band edges in Hz: telephone and wideband Opus both keep them.
_EDGES_HZ = (100, 300, 500, 800, 1200, 1800, 2600, 3800)
_EDGES = [round(hz * WINDOW_SAMPLES / EARS_RATE_HZ) for hz in _EDGES_HZ]
_WINDOW = np.hanning(WINDOW_SAMPLES).astype(np.float32)

BANDS = len(_EDGES) - 1


def band_powers(pcm: Samples, hop_samples: int) -> Matrix:
    """Mean power in each band, one row for each full 20 ms window, `hop_samples` apart: (rows, BANDS)."""
    if len(pcm) < WINDOW_SAMPLES:
        return np.zeros((0, BANDS), np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(pcm, WINDOW_SAMPLES)[::hop_samples]
    spectrum = np.fft.rfft(windows.astype(np.float32) / 32768 * _WINDOW, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    pairs = itertools.pairwise(_EDGES)
    return np.stack([power[:, low:high].mean(axis=1) for low, high in pairs], axis=1)


def compress(power: Matrix) -> Matrix:
    """Fourth root: quiet sounds count, and a change of gain stays a factor."""
    return np.sqrt(np.sqrt(np.maximum(power, 0)))
