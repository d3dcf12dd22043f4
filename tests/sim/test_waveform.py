from __future__ import annotations

import numpy as np
import pytest

from sim.waveform import (
    AudibleDetector,
    Gate,
    Pcm,
    SampleClock,
    Span,
    audible_spans,
    first_audible,
    last_audible,
    response_gap_ms,
)

RATE = 24_000


def silence(ms: float) -> Pcm:
    return np.zeros(round(RATE * ms / 1000), np.int16)


def tone(ms: float, dbfs: float = -12.0) -> Pcm:
    count = round(RATE * ms / 1000)
    return (np.cos(2 * np.pi * 1000 * np.arange(count) / RATE) * 32767 * 10 ** (dbfs / 20)).astype(np.int16)


def noise(ms: float, dbfs: float, seed: int = 1) -> Pcm:
    count = round(RATE * ms / 1000)
    return (np.random.default_rng(seed).standard_normal(count) * 32768 * 10 ** (dbfs / 20)).astype(np.int16)


def test_silence_has_no_span() -> None:
    """Digital silence is not audible."""
    assert audible_spans(silence(500), RATE) == []
    assert first_audible(silence(500), RATE) is None
    assert last_audible(silence(500), RATE) is None


def test_empty_recording_has_no_span() -> None:
    """No samples at all is silence."""
    assert audible_spans(silence(0), RATE) == []


@pytest.mark.parametrize("lead_ms", [0, 3.0, 100, 101.7, 333.3])
def test_onset_is_exact_to_the_sample(lead_ms: float) -> None:
    """A tone that starts at full level is found at its first sample, wherever the windows fall."""
    lead = silence(lead_ms)
    pcm = np.concatenate((lead, tone(100), silence(200)))
    assert first_audible(pcm, RATE) == pytest.approx(len(lead), abs=3)


@pytest.mark.parametrize("length_ms", [30.0, 77.7, 250.0])
def test_end_is_exact_within_a_quarter_period(length_ms: float) -> None:
    """The last audible sample is the tone's last one that is loud enough by itself."""
    pcm = np.concatenate((silence(50), tone(length_ms), silence(200)))
    end = len(silence(50)) + len(tone(length_ms)) - 1
    assert last_audible(pcm, RATE) == pytest.approx(end, abs=RATE / 1000 / 4)


def test_comfort_noise_is_silence() -> None:
    """Noise at -60 dBFS, more than Opus leaves in silence, neither opens a span nor keeps one open."""
    pcm = np.concatenate((noise(500, -60), tone(100), noise(500, -60, seed=2)))
    spans = audible_spans(pcm, RATE)
    assert len(spans) == 1
    assert spans[0].begin == pytest.approx(len(silence(500)), abs=RATE * 0.005)
    assert spans[0].end == pytest.approx(len(silence(600)), abs=RATE * 0.005)


def test_click_is_not_speech() -> None:
    """One loud window alone (a click of 2 ms) does not open a span."""
    assert audible_spans(np.concatenate((silence(101), tone(2), silence(300))), RATE) == []


def test_hysteresis_keeps_a_fading_sound_together() -> None:
    """A sound that hovers between the two thresholds stays one span; from silence it would not open one."""
    hovering = tone(200, dbfs=-45.5)  # -48.5 dBFS RMS
    assert len(audible_spans(np.concatenate((tone(50), hovering, silence(200))), RATE)) == 1
    assert audible_spans(np.concatenate((silence(50), hovering, silence(200))), RATE) == []


def test_short_gap_joins_and_long_gap_parts() -> None:
    """A stop consonant's gap (30 ms) is within a span; a pause of 60 ms ends it."""
    joined = np.concatenate((tone(100), silence(30), tone(100), silence(100)))
    parted = np.concatenate((tone(100), silence(60), tone(100), silence(100)))
    assert len(audible_spans(joined, RATE)) == 1
    assert len(audible_spans(parted, RATE)) == 2


@pytest.mark.parametrize("block", [1, 7, 120, 240, 1200, 100_000])
def test_block_borders_do_not_matter(block: int) -> None:
    """Fed in blocks of any size, the spans are the same."""
    pcm = np.concatenate((silence(33.3), tone(120), silence(111.1), tone(40, -30), silence(200)))
    detector = AudibleDetector(RATE)
    for start in range(0, len(pcm), block):
        detector.feed(pcm[start : start + block])
    assert detector.spans == audible_spans(pcm, RATE)


def test_open_span_is_seen_while_it_sounds() -> None:
    """A span shows with an open end as soon as it has begun, and ends only after the hang time."""
    detector = AudibleDetector(RATE)
    detector.feed(np.concatenate((silence(20), tone(20))))
    assert detector.spans == [Span(len(silence(20)), None)]
    assert detector.sounding
    detector.feed(silence(35))
    assert detector.sounding
    detector.feed(silence(10))
    assert not detector.sounding
    assert detector.end_of_sound == pytest.approx(len(silence(40)), abs=RATE / 1000 / 4)


def test_gate_can_be_set() -> None:
    """A stricter gate takes the same sound for silence."""
    pcm = np.concatenate((silence(50), tone(100, -30), silence(100)))
    assert len(audible_spans(pcm, RATE)) == 1
    assert audible_spans(pcm, RATE, Gate(open_dbfs=-20.0, close_dbfs=-26.0)) == []


def test_clock_dates_samples_back_from_the_arrival() -> None:
    """A block's last sample ended when the block arrived, the others one sample period earlier each."""
    clock = SampleClock(1000)
    clock.stamp(20, 5.0)
    clock.stamp(20, 5.020)
    assert clock.time_of(0) == pytest.approx(4.980)
    assert clock.time_of(19) == pytest.approx(4.999)
    assert clock.time_of(20) == pytest.approx(5.000)
    assert clock.time_of(40) == pytest.approx(5.020)


def test_late_block_is_dated_by_the_blocks_after_it() -> None:
    """Blocks that a busy reader took up together, late, are dated as if it had not been busy."""
    clock = SampleClock(1000)
    for number in range(5):
        clock.stamp(20, 1.0 + 0.020 * number)
    for _ in range(4):
        clock.stamp(20, 1.0 + 0.020 * 8)  # 5, 6, 7 and 8 at once, when 8 was due
    assert [clock.time_of(20 * number) for number in range(9)] == pytest.approx(
        [0.980 + 0.020 * number for number in range(9)]
    )


def test_lasting_delay_is_not_corrected_away() -> None:
    """A delay that lasts longer than any late reading is true: what is heard later is dated later."""
    clock = SampleClock(1000)
    for number in range(20):
        clock.stamp(20, 1.0 + 0.020 * number)
    for number in range(20, 60):
        clock.stamp(20, 1.5 + 0.020 * number)
    assert clock.time_of(0) == pytest.approx(0.980)
    assert clock.time_of(30 * 20) == pytest.approx(1.480 + 0.020 * 30)


def test_clock_without_a_block_says_so() -> None:
    """Nothing can be dated before the first block."""
    with pytest.raises(ValueError, match="no block"):
        SampleClock(1000).time_of(0)


def test_gap_is_negative_for_a_cut_off() -> None:
    """A reply after the speech has a positive gap, one that begins before its end a negative one."""
    assert response_gap_ms(10.0, 10.25) == pytest.approx(250.0)
    assert response_gap_ms(10.0, 9.9) == pytest.approx(-100.0)
