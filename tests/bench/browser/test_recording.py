"""What is found in recordings of the two sides: known delays come out again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.browser.recording import CHIRP_S, Recorded, gaps_ms, round_trips_ms
from sim.publisher import tone

if TYPE_CHECKING:
    from sim.waveform import Pcm

RATE_HZ = 48_000


def chirp(level: float) -> Pcm:
    """As tap.js sends it."""
    at = np.arange(round(CHIRP_S * RATE_HZ)) / RATE_HZ
    return (level * 32767 * np.sin(2 * np.pi * (500 * at + 10000 * at * at))).astype(np.int16)


def placed(length_s: float, *parts: tuple[float, Pcm]) -> Pcm:
    pcm = np.zeros(round(length_s * RATE_HZ), np.int16)
    for at_s, part in parts:
        begin = round(at_s * RATE_HZ)
        pcm[begin : begin + len(part)] += part
    return pcm


def test_the_delay_of_each_chirp_is_found() -> None:
    """Softer, with noise, and each by its own; one that never came back is lost."""
    noise = np.random.default_rng(1).normal(0, 60, round(4 * RATE_HZ)).astype(np.int16)
    out = placed(4.0, (0.5, chirp(0.5)), (1.3, chirp(0.5)), (2.1, chirp(0.5)))
    back = placed(4.0, (0.5 + 0.0801, chirp(0.2)), (2.1 + 0.1503, chirp(0.1))) + noise
    delays_ms, lost = round_trips_ms(Recorded(RATE_HZ, 0.0, out, back))
    assert delays_ms == pytest.approx([80.1, 150.3], abs=0.1)
    assert lost == 1


def test_another_sound_is_no_chirp() -> None:
    """Speech-like sound at the same place does not count."""
    out = placed(2.0, (0.5, chirp(0.5)))
    back = placed(2.0, (0.6, tone(400, RATE_HZ)))
    assert round_trips_ms(Recorded(RATE_HZ, 0.0, out, back)) == ([], 1)


def test_a_silent_microphone_has_no_delays() -> None:
    """Nothing left, nothing is lost."""
    silent = placed(1.0)
    assert round_trips_ms(Recorded(RATE_HZ, 0.0, silent, silent)) == ([], 0)


def test_the_first_audible_sample_is_dated() -> None:
    """On the clock of the page."""
    sound = Recorded(RATE_HZ, 250.0, placed(1.0), placed(1.0, (0.4, tone(200, RATE_HZ))))
    assert sound.first_audible_ms() == pytest.approx(650.0, abs=0.1)
    assert Recorded(RATE_HZ, 0.0, placed(1.0), placed(1.0)).first_audible_ms() is None


def test_gaps_are_from_the_end_of_a_sentence() -> None:
    """A pause within a sentence ends nothing; the greeting before the first sentence is no reply."""
    said = placed(8.0, (1.0, tone(500, RATE_HZ)), (1.9, tone(300, RATE_HZ)), (5.0, tone(400, RATE_HZ)))
    heard = placed(8.0, (0.2, tone(300, RATE_HZ)), (3.0, tone(600, RATE_HZ)), (6.2, tone(600, RATE_HZ)))
    assert gaps_ms(Recorded(RATE_HZ, 0.0, said, heard), 2) == pytest.approx([800.0, 800.0], abs=1.0)


def test_what_is_missing_is_named() -> None:
    """A sentence that was not heard by the microphone, and one without a reply."""
    said = placed(6.0, (1.0, tone(500, RATE_HZ)), (4.0, tone(500, RATE_HZ)))
    once = Recorded(RATE_HZ, 0.0, said, placed(6.0, (2.0, tone(300, RATE_HZ))))
    with pytest.raises(ValueError, match="recorded 2 sentences, not 3"):
        gaps_ms(once, 3)
    with pytest.raises(ValueError, match="no reply was heard to sentence 2"):
        gaps_ms(once, 2)
