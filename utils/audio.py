"""Sound as numpy arrays: 16-bit mono PCM, levels, silence, frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from livekit import rtc
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Pcm = NDArray[np.int16]

FULL_SCALE = 32768.0
AUDIBLE_DBFS = -45.0  # above the comfort noise of Opus, below the quietest consonant of a normal voice
WINDOW_MS = 5


def peak_windows_dbfs(pcm: Pcm, sample_rate_hz: int, *, window_ms: int = WINDOW_MS) -> NDArray[np.float64]:
    """The peak level of each whole window of `pcm`, in dB below full scale; shape (windows,)."""
    size = sample_rate_hz * window_ms // 1000
    count = len(pcm) // size
    if count == 0:
        return np.empty(0)
    peaks = np.abs(pcm[: count * size].astype(np.int32)).reshape(count, size).max(axis=1)
    return 20.0 * np.log10(np.maximum(peaks, 1) / FULL_SCALE)


def first_audible(pcm: Pcm, sample_rate_hz: int, *, threshold_dbfs: float = AUDIBLE_DBFS) -> int | None:
    """Index of the first sample of the first audible window, or None when all is silence."""
    audible = np.flatnonzero(peak_windows_dbfs(pcm, sample_rate_hz) > threshold_dbfs)
    return int(audible[0]) * (sample_rate_hz * WINDOW_MS // 1000) if len(audible) else None


def last_audible(pcm: Pcm, sample_rate_hz: int, *, threshold_dbfs: float = AUDIBLE_DBFS) -> int | None:
    """Index behind the last sample of the last audible window, or None when all is silence."""
    audible = np.flatnonzero(peak_windows_dbfs(pcm, sample_rate_hz) > threshold_dbfs)
    return (int(audible[-1]) + 1) * (sample_rate_hz * WINDOW_MS // 1000) if len(audible) else None


def trim_silence(pcm: Pcm, sample_rate_hz: int, *, keep_ms: int = 10) -> Pcm:
    """`pcm` without the silence before and after the sound, `keep_ms` of it left at both ends.

    The kept margin lets soft consonants through that lie under the threshold. All silence: empty.
    """
    first, last = first_audible(pcm, sample_rate_hz), last_audible(pcm, sample_rate_hz)
    if first is None or last is None:
        return pcm[:0]
    keep = sample_rate_hz * keep_ms // 1000
    return pcm[max(first - keep, 0) : last + keep]


def to_frames(pcm: Pcm, sample_rate_hz: int, *, frame_ms: int = 20) -> Iterator[rtc.AudioFrame]:
    """`pcm` as mono frames of `frame_ms`; the last one may be shorter."""
    size = sample_rate_hz * frame_ms // 1000
    for begin in range(0, len(pcm), size):
        block = pcm[begin : begin + size]
        yield rtc.AudioFrame(block.tobytes(), sample_rate_hz, 1, len(block))


def from_frames(frames: Iterable[rtc.AudioFrame]) -> Pcm:
    """The samples of mono `frames` in one array."""
    blocks = [np.frombuffer(frame.data, dtype=np.int16) for frame in frames]
    return np.concatenate(blocks) if blocks else np.empty(0, dtype=np.int16)
