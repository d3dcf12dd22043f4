"""What is read from the caller's waveform: stretches, stops, and for which noise."""

from __future__ import annotations

import pytest

from bench.turns.hearing import Noise, Stop, Stretch, heard_s, inner_stops, stop_ms, stopped_for, stretches

MM_HM = Noise("mm_hm", 3.0, 3.5)
COUGH = Noise("cough", 7.0, 7.4)


def test_short_pauses_are_no_stops() -> None:
    """Less than 250 ms between two spans joins them; what sounded before, or on another track, is told apart or in."""
    spans = [(0.0, 0.9), (1.0, 2.0), (2.2, 3.0), (3.25, None)]
    assert stretches(spans, 0.95, 5.0) == [Stretch(1.0, 3.0), Stretch(3.25, 5.0)]
    assert stretches([(2.1, 4.0), (1.0, 3.0)], 0.0, 5.0) == [Stretch(1.0, 4.0)]
    assert stretches([], 0.0, 5.0) == []


def test_a_reply_that_comes_again_stopped_for_the_noise_before() -> None:
    """During the noise, or within a second after it."""
    heard = [Stretch(1.0, 3.25), Stretch(4.0, 14.0)]
    assert stopped_for([MM_HM, COUGH], heard, 12.2) == [Stop(0.75), Stop()]
    late = [Stretch(1.0, 4.5), Stretch(5.0, 14.0)]
    assert stopped_for([MM_HM, COUGH], late, 12.4) == [Stop(0.5), Stop()]


def test_a_reply_that_ends_too_soon_stopped_for_the_noise_before() -> None:
    """There is no sound after it; the end of a whole reply is no stop."""
    assert stopped_for([MM_HM, COUGH], [Stretch(1.0, 7.6)], 13.0) == [Stop(), Stop(broken_off=True)]
    assert stopped_for([MM_HM, COUGH], [Stretch(1.0, 7.6)], 7.0) == [Stop(), Stop()]


def test_a_stop_of_its_own_is_for_no_noise() -> None:
    """Before the first, or more than a second after the last."""
    assert stopped_for([MM_HM], [Stretch(1.0, 2.0), Stretch(2.5, 9.0)], 7.5) == [Stop()]
    assert stopped_for([MM_HM], [Stretch(1.0, 4.6), Stretch(5.0, 9.0)], 7.6) == [Stop()]
    assert stopped_for([], [Stretch(1.0, 2.0)], 9.0) == []


def test_a_noise_counts_once() -> None:
    """With its longest silence, however often the sound stopped for it."""
    heard = [Stretch(1.0, 3.25), Stretch(3.5, 3.75), Stretch(4.25, 9.0)]
    assert stopped_for([MM_HM], heard, 7.1) == [Stop(0.5)]


def test_how_long_it_was_heard() -> None:
    """Without the stops, of which only those inside count."""
    heard = [Stretch(1.0, 3.0), Stretch(4.0, 5.0)]
    assert heard_s(heard) == pytest.approx(3.0)
    assert inner_stops(heard) == [3.0]


def test_a_true_interruption_ends_the_stretch_that_sounded() -> None:
    """From the caller's sound to the end of the agent's; a caller who speaks into silence interrupts nothing."""
    heard = [Stretch(1.0, 3.2), Stretch(5.0, 9.0)]
    assert stop_ms(heard, 3.0) == pytest.approx(200.0)
    assert stop_ms(heard, 4.0) is None
    assert stop_ms([], 1.0) is None
