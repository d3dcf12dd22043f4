"""Sounds that no voice of a synthesizer makes: a hum, a cough with a voice in it, claps, knocks, a street, music."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Sound = npt.NDArray[np.float64]

RATE_HZ = 16_000
LONG_S = 6.0


def mm_hm() -> Sound:
    """Agreement with the mouth closed: two hums, the second one higher, breath between them."""
    rng = np.random.default_rng(10)
    first, second = _hum(0.17, 118, 112), _hum(0.21, 128, 150)
    breath = 0.02 * _band(rng, 0.06, 200, 1500)
    return np.concatenate([0.8 * first, breath, second])


def _hum(length_s: float, from_hz: float, to_hz: float) -> Sound:
    """A voice through the nose: hardly anything above 500 Hz."""
    time_s = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(np.linspace(from_hz, to_hz, len(time_s))) / RATE_HZ
    partials = [np.sin(k * phase) / (1 + (k * from_hz / 280) ** 3.2) for k in range(1, 24)]
    shape = np.minimum(1, np.minimum(time_s, length_s - time_s) / 0.035)
    return np.sum(partials, axis=0) * shape


def cough_2() -> Sound:
    """A burst, the breath behind it, and the voice at its end, as most coughs have it."""
    rng = np.random.default_rng(11)
    burst = _band(rng, 0.045, 300, 6500) * _fall(0.045, 0.03)
    breath = 0.35 * _band(rng, 0.17, 500, 3500) * _fall(0.17, 0.12)
    time_s = np.arange(int(0.11 * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(190 - 500 * time_s) / RATE_HZ
    voice = np.sum([np.sin(k * phase) / k for k in range(1, 12)], axis=0) * np.hanning(len(time_s))
    return np.concatenate([burst, breath, 0.3 * voice])


def clap() -> Sound:
    """Two claps, 0.35 s apart."""
    rng = np.random.default_rng(12)
    out = np.zeros(int(0.5 * RATE_HZ))
    for begin_s, gain in ((0.0, 1.0), (0.35, 0.8)):
        _put(out, begin_s, gain * _band(rng, 0.09, 700, 5000) * _fall(0.09, 0.018))
    return out


def knock() -> Sound:
    """Three knocks on a door."""
    rng = np.random.default_rng(13)
    time_s = np.arange(int(0.12 * RATE_HZ)) / RATE_HZ
    out = np.zeros(int(0.52 * RATE_HZ))
    for begin_s, gain in ((0.0, 0.9), (0.17, 1.0), (0.36, 0.8)):
        wood = sum(
            np.sin(2 * np.pi * hz * time_s) * np.exp(-time_s / decay_s)
            for hz, decay_s in ((170, 0.03), (410, 0.02), (930, 0.01))
        )
        _put(out, begin_s, gain * (wood + 0.4 * _band(rng, 0.12, 300, 4000) * _fall(0.12, 0.004)))
    return out


def traffic() -> Sound:
    """A street: tyres that come and go, an engine, and a horn far away."""
    rng = np.random.default_rng(14)
    time_s = np.arange(int(LONG_S * RATE_HZ)) / RATE_HZ
    out = 0.25 * _band(rng, LONG_S, 40, 600) + 0.08 * _band(rng, LONG_S, 600, 2500)
    for at_s, width_s, gain in ((1.5, 0.7, 0.9), (3.6, 0.9, 1.0), (5.4, 0.5, 0.7)):
        passing = np.exp(-(((time_s - at_s) / width_s) ** 2))
        engine = sum(np.sin(2 * np.pi * 38 * k * time_s) / k for k in range(1, 9))
        out += gain * passing * (0.5 * _band(rng, LONG_S, 150, 1800) + 0.25 * engine)
    horn = sum(np.sin(2 * np.pi * hz * k * time_s) / k for hz in (415, 520) for k in range(1, 6))
    return out + 0.12 * horn * ((time_s > 4.6) & (time_s < 4.95))


def music() -> Sound:
    """Four chords with a tune, a bass and a drum at 112 beats a minute; nobody sings."""
    rng = np.random.default_rng(15)
    beat_s = 60 / 112
    chords = ((220.0, 261.6, 329.6), (174.6, 220.0, 261.6), (261.6, 329.6, 392.0), (196.0, 246.9, 293.7))
    out = np.zeros(int(LONG_S * RATE_HZ))
    for beat in range(int(LONG_S / beat_s) + 1):  # the last one is cut
        chord = chords[beat // 4 % 4]
        for hz in chord if beat % 2 == 0 else ():
            _put(out, beat * beat_s, 0.16 * _note(hz, 2 * beat_s, 0.5))
        _put(out, beat * beat_s, 0.25 * _note(chord[0] / 2, beat_s, 0.25))
        for half in (0, 1):
            if (beat + half / 2) * beat_s >= LONG_S:
                break
            hz = chord[rng.integers(3)] * 2
            _put(out, (beat + half / 2) * beat_s, 0.22 * _note(hz, beat_s / 2, 0.18))
        drum = 0.5 * _band(rng, 0.08, 1500 if beat % 2 else 60, 6000 if beat % 2 else 300) * _fall(0.08, 0.02)
        _put(out, beat * beat_s, drum)
    return out


def _note(hz: float, length_s: float, decay_s: float) -> Sound:
    time_s = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    tone = np.sum([np.sin(2 * np.pi * hz * k * time_s) / k**1.5 for k in range(1, 7)], axis=0)
    return tone * np.minimum(1, time_s / 0.008) * np.exp(-time_s / decay_s)


def _band(rng: np.random.Generator, length_s: float, low_hz: float, high_hz: float) -> Sound:
    """Noise between two frequencies with a standard deviation of 1."""
    count = int(length_s * RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    hz = np.fft.rfftfreq(count, 1 / RATE_HZ)
    noise = np.fft.irfft(spectrum * ((hz >= low_hz) & (hz <= high_hz)), count)
    return noise / noise.std()


def _fall(length_s: float, decay_s: float) -> Sound:
    """A rise of 2 ms, then an exponential fall."""
    time_s = np.arange(int(length_s * RATE_HZ)) / RATE_HZ
    return np.minimum(1, time_s / 0.002) * np.exp(-time_s / decay_s)


def _put(out: Sound, begin_s: float, sound: Sound) -> None:
    begin = int(begin_s * RATE_HZ)
    count = min(len(sound), len(out) - begin)
    out[begin : begin + count] += sound[:count]
