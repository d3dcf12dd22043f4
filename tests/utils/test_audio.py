"""Sound as arrays: levels, silence and frames, to the sample."""

from __future__ import annotations

import numpy as np
import pytest

from utils.audio import (
    AUDIBLE_DBFS,
    Pcm,
    first_audible,
    from_frames,
    last_audible,
    peak_windows_dbfs,
    to_frames,
    trim_silence,
)

RATE_HZ = 16_000
WINDOW = RATE_HZ * 5 // 1000


def level(dbfs: float, samples: int) -> Pcm:
    """A square wave whose peak is `dbfs`."""
    return np.resize(np.array([1, -1]) * round(32768 * 10 ** (dbfs / 20)), samples).astype(np.int16)


def silence(samples: int) -> Pcm:
    return np.zeros(samples, dtype=np.int16)


def test_the_level_of_each_whole_window() -> None:
    """Peaks in dB below full scale; what is shorter than a window at the end is left out."""
    pcm = np.concatenate([level(-6, WINDOW), level(-40, WINDOW), silence(WINDOW), level(-6, WINDOW - 1)])
    assert peak_windows_dbfs(pcm, RATE_HZ) == pytest.approx([-6, -40, -90.3], abs=0.1)


def test_the_loudest_sample_there_is_does_not_overflow() -> None:
    """-32768 has no positive twin in 16 bit."""
    assert peak_windows_dbfs(np.full(WINDOW, -32768, dtype=np.int16), RATE_HZ) == pytest.approx([0.0])


def test_less_than_a_window_has_no_level() -> None:
    """An empty array, not an error."""
    assert len(peak_windows_dbfs(silence(WINDOW - 1), RATE_HZ)) == 0
    assert first_audible(level(-6, WINDOW - 1), RATE_HZ) is None


@pytest.mark.parametrize("windows", [0, 1, 7])
def test_sound_is_found_at_its_window(windows: int) -> None:
    """The first sample of the first audible window, the one behind the last of the last."""
    pcm = np.concatenate([silence(windows * WINDOW), level(-20, 3 * WINDOW), silence(4 * WINDOW)])
    assert first_audible(pcm, RATE_HZ) == windows * WINDOW
    assert last_audible(pcm, RATE_HZ) == (windows + 3) * WINDOW


@pytest.mark.parametrize(("dbfs", "audible"), [(AUDIBLE_DBFS - 1, False), (AUDIBLE_DBFS + 1, True)])
def test_the_threshold_lies_between_noise_and_voice(dbfs: float, audible: bool) -> None:
    """One dB to either side decides."""
    pcm = level(dbfs, 2 * WINDOW)
    assert (first_audible(pcm, RATE_HZ) is not None) is audible
    assert (last_audible(pcm, RATE_HZ) is not None) is audible


def test_another_threshold_can_be_given() -> None:
    """Faint sound counts if it is asked for."""
    pcm = level(-60, 2 * WINDOW)
    assert first_audible(pcm, RATE_HZ) is None
    assert first_audible(pcm, RATE_HZ, threshold_dbfs=-70) == 0
    assert last_audible(pcm, RATE_HZ, threshold_dbfs=-70) == 2 * WINDOW


def test_trimming_keeps_a_margin_at_both_ends() -> None:
    """10 ms more than the sound, for consonants under the threshold; never beyond the recording's ends."""
    sound = level(-20, 10 * WINDOW)
    pcm = np.concatenate([silence(20 * WINDOW), sound, silence(30 * WINDOW)])
    assert len(trim_silence(pcm, RATE_HZ)) == 14 * WINDOW
    assert trim_silence(pcm, RATE_HZ, keep_ms=0).tolist() == sound.tolist()
    assert trim_silence(sound, RATE_HZ).tolist() == sound.tolist()


def test_trimming_silence_leaves_nothing() -> None:
    """Empty, so that the caller can tell."""
    assert len(trim_silence(silence(1000), RATE_HZ)) == 0


@pytest.mark.parametrize(("samples", "sizes"), [(0, []), (320, [320]), (700, [320, 320, 60])])
def test_frames_join_to_the_same_sound(samples: int, sizes: list[int]) -> None:
    """20 ms each, the last one shorter; there and back nothing changes."""
    pcm = np.arange(samples, dtype=np.int16)
    frames = list(to_frames(pcm, RATE_HZ))
    assert [frame.samples_per_channel for frame in frames] == sizes
    assert all((frame.sample_rate, frame.num_channels) == (RATE_HZ, 1) for frame in frames)
    assert from_frames(frames).tolist() == pcm.tolist()


def test_frames_of_another_length() -> None:
    """`frame_ms` decides."""
    assert [frame.samples_per_channel for frame in to_frames(silence(480), RATE_HZ, frame_ms=10)] == [160, 160, 160]
