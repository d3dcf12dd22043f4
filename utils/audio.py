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

SPEECH_DBFS = -18.0  # the level of the recorded last words, so that nothing of what the agent says stands out
PEAK_LIMIT_DBFS = -1.0  # room for what a codec adds
SILENT_DBFS = -60.0  # a recording whose loudest window lies below is noise, which is not to be made louder
ACTIVE_RANGE_DB = 25.0  # what lies further below the loudest window is a pause or a breath
LEVEL_WINDOW_MS = 20


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
    """`pcm` without the silence before the sound and after it, but for `keep_ms` at the end. All silence: empty.

    A soft consonant that ends the last word lies under the threshold; before the first word 10 ms cost 13.
    """
    first, last = first_audible(pcm, sample_rate_hz), last_audible(pcm, sample_rate_hz)
    if first is None or last is None:
        return pcm[:0]
    keep = sample_rate_hz * keep_ms // 1000
    return pcm[first : last + keep]


def speech_level_dbfs(pcm: Pcm, sample_rate_hz: int) -> float | None:
    """The level of the speech in `pcm` without its pauses, in dB below full scale; None when all is silence.

    It is the RMS of the windows of 20 ms that are at most 25 dB below the loudest one: a gate that moves with the
    recording, so another gain changes the level by that gain and by nothing else.
    """
    size = sample_rate_hz * LEVEL_WINDOW_MS // 1000
    count = len(pcm) // size
    if count == 0:
        return None
    windows = pcm[: count * size].astype(np.float32).reshape(count, size) / np.float32(FULL_SCALE)
    powers = np.einsum("ij,ij->i", windows, windows) / size
    loudest = float(powers.max())
    if loudest < 10 ** (SILENT_DBFS / 10):
        return None
    return float(10 * np.log10(powers[powers >= loudest * 10 ** (-ACTIVE_RANGE_DB / 10)].mean()))


def level_speech(
    pcm: Pcm, sample_rate_hz: int, *, target_dbfs: float = SPEECH_DBFS, peak_limit_dbfs: float = PEAK_LIMIT_DBFS
) -> Pcm:
    """`pcm` with its speech at `target_dbfs` and no peak above `peak_limit_dbfs`; silence comes back as it is."""
    level = speech_level_dbfs(pcm, sample_rate_hz)
    if level is None:
        return pcm
    sound = pcm.astype(np.float32) * np.float32(10 ** ((target_dbfs - level) / 20))
    limited = _limit_peaks(sound, sample_rate_hz * WINDOW_MS // 1000, FULL_SCALE * 10 ** (peak_limit_dbfs / 20))
    return np.rint(limited).astype(np.int16)


def _limit_peaks(sound: NDArray[np.float32], size: int, limit: float) -> NDArray[np.float32]:
    """`sound` without peaks over `limit`: turned down from a window of `size` before a peak to one behind it."""
    # numpy only: a filter of scipy's would do, but importing scipy costs each worker 40 MB.
    count = -(-len(sound) // size)
    peaks = np.abs(np.pad(sound, (0, count * size - len(sound)))).reshape(count, size).max(axis=1)
    gains = np.pad(limit / np.maximum(peaks, limit), 1, mode="edge")
    # No sample is turned down less than its window asks for: both points that it lies between are as low.
    lowest = np.minimum(np.minimum(gains[:-2], gains[1:-1]), gains[2:])
    centers = (np.arange(count) + 0.5) * size
    return sound * np.interp(np.arange(len(sound)), centers, lowest).astype(np.float32)


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
