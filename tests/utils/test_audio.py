"""Sound as arrays: levels, silence and frames, to the sample."""

from __future__ import annotations

import numpy as np
import pytest

from sim.speech import library
from utils.audio import (
    AUDIBLE_DBFS,
    PEAK_LIMIT_DBFS,
    SPEECH_DBFS,
    Pcm,
    first_audible,
    from_frames,
    last_audible,
    level_speech,
    peak_windows_dbfs,
    speech_level_dbfs,
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


def test_trimming_keeps_a_margin_at_the_end() -> None:
    """Nothing before the sound and 10 ms behind it, for consonants under the threshold; never beyond the recording."""
    sound = level(-20, 10 * WINDOW)
    pcm = np.concatenate([silence(20 * WINDOW), sound, silence(30 * WINDOW)])
    assert trim_silence(pcm, RATE_HZ).tolist() == [*sound.tolist(), *silence(2 * WINDOW).tolist()]
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


GAINS_DB = (-30.0, -12.0, 0.0, 6.0)
SPEECH = {name: recording for name, recording in library.load_speech().items() if recording.text}


def amplified(pcm: Pcm, gain_db: float) -> Pcm:
    return np.clip(np.rint(pcm * 10 ** (gain_db / 20)), -32768, 32767).astype(np.int16)


def level_of(pcm: Pcm, sample_rate_hz: int = library.RATE_HZ) -> float:
    level = speech_level_dbfs(pcm, sample_rate_hz)
    assert level is not None
    return level


def peak_dbfs(pcm: Pcm) -> float:
    return float(20 * np.log10(np.abs(pcm.astype(np.int32)).max() / 32768))


def test_there_is_speech_to_level() -> None:
    """The tests below are over recordings, in two languages, quiet ones and loud ones."""
    levels = [level_of(recording.pcm) for recording in SPEECH.values()]
    assert len(SPEECH) > 20
    assert {recording.language for recording in SPEECH.values()} == {"ar", "en"}
    assert max(levels) - min(levels) > 5


@pytest.mark.parametrize("name", SPEECH)
def test_every_recording_comes_out_equally_loud(name: str) -> None:
    """Within 1 dB of the target, and so of one another, whatever gain it came in with; nothing clips."""
    for gain_db in GAINS_DB:
        loud = level_speech(amplified(SPEECH[name].pcm, gain_db), library.RATE_HZ)
        assert level_of(loud) == pytest.approx(SPEECH_DBFS, abs=0.5), f"at {gain_db} dB"
        assert peak_dbfs(loud) <= PEAK_LIMIT_DBFS + 0.01


@pytest.mark.parametrize("name", SPEECH)
def test_pauses_do_not_count(name: str) -> None:
    """Seconds of silence around the speech, or in it, change its level by less than half a dB."""
    pcm, pause = SPEECH[name].pcm, silence(3 * library.RATE_HZ)
    half = len(pcm) // 2
    apart = np.concatenate([pause, pcm[:half], pause, pcm[half:], pause])
    assert level_of(apart) == pytest.approx(level_of(pcm), abs=0.5)


def test_the_length_and_the_shape_of_the_sound_stay() -> None:
    """Where no peak is over the limit, levelling is one factor for all samples."""
    pcm = SPEECH["hello"].pcm
    loud = level_speech(pcm, library.RATE_HZ)
    factor = 10 ** ((SPEECH_DBFS - level_of(pcm)) / 20)
    assert loud.tolist() == pytest.approx((pcm * factor).tolist(), abs=1.0)


def test_a_peak_is_turned_down_and_its_surroundings_are_not() -> None:
    """A click in a quiet voice stays under the limit; 20 ms before and behind it the voice is as loud as without it."""
    voice = SPEECH["hello"].pcm // 8
    click, width = len(voice) // 2, 16
    clicked = voice.copy()
    clicked[click : click + width] = 32767
    plain = level_speech(voice, library.RATE_HZ, target_dbfs=-20).astype(np.float64)
    levelled = level_speech(clicked, library.RATE_HZ, target_dbfs=-10, peak_limit_dbfs=-3)
    assert peak_dbfs(levelled) <= -3 + 0.01
    near = 20 * library.RATE_HZ // 1000
    for part in (slice(0, click - near), slice(click + near, None)):
        loud = np.flatnonzero(np.abs(plain[part]) > 1000)
        ratios = levelled[part][loud] / plain[part][loud]
        assert ratios == pytest.approx(float(np.median(ratios)), rel=0.01)


@pytest.mark.parametrize("pcm", [silence(0), silence(1000), silence(RATE_HZ), level(-70, RATE_HZ)], ids=len)
def test_silence_is_not_made_louder(pcm: Pcm) -> None:
    """It has no level, and comes back as it is: also noise that nobody hears."""
    assert speech_level_dbfs(pcm, RATE_HZ) is None
    assert level_speech(pcm, RATE_HZ).tolist() == pcm.tolist()


def test_the_level_of_a_square_wave_is_its_peak() -> None:
    """dB relative to a full-scale square wave, as the peaks are."""
    assert level_of(level(-20, RATE_HZ), RATE_HZ) == pytest.approx(-20, abs=0.01)
