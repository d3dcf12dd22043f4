"""Simulated waits: reproducible, and true to the quantiles they were made from."""

from __future__ import annotations

import dataclasses
import statistics

import pytest

from sim.latency import (
    Fixed,
    Latency,
    LogNormal,
    SonioxLatency,
    TtsLatency,
    fixed_profile,
    profile_by_name,
    published_profile,
)


def draws(latency: Latency, count: int) -> list[float]:
    return [latency.draw_ms() for _ in range(count)]


def test_fixed_always_draws_its_value() -> None:
    """Fixed(ms) has no randomness."""
    assert draws(Fixed(500), 3) == [500, 500, 500]


def test_log_normal_meets_both_of_its_quantiles() -> None:
    """Half of the draws are below p50_ms, 95 of 100 below p95_ms."""
    sample = draws(LogNormal(553, 1947, seed=7), 20_000)
    percentiles = statistics.quantiles(sample, n=100)
    assert percentiles[49] == pytest.approx(553, rel=0.05)
    assert percentiles[94] == pytest.approx(1947, rel=0.05)
    assert min(sample) > 0


def test_the_same_seed_gives_the_same_sequence_whoever_else_draws() -> None:
    """A seed names one sequence; another instance drawing in between does not move it."""
    first, second = LogNormal(100, 200, seed=3), LogNormal(100, 200, seed=3)
    expected = draws(first, 5)
    other = LogNormal(100, 200, seed=4)
    interleaved = [(second.draw_ms(), other.draw_ms())[0] for _ in range(5)]
    assert interleaved == expected
    assert draws(LogNormal(100, 200, seed=4), 5) != expected


def test_equal_quantiles_mean_no_spread() -> None:
    """p50_ms == p95_ms is allowed and is the constant."""
    assert draws(LogNormal(80, 80, seed=1), 3) == pytest.approx([80, 80, 80])


def test_the_fixed_preset_states_the_documented_round_figures() -> None:
    """These are the figures that benchmark rows are compared by."""
    profile = fixed_profile()
    assert profile.soniox.interim_lag.draw_ms() == 150
    assert profile.soniox.endpoint_wait.draw_ms() == 600
    assert profile.soniox.final.draw_ms() == 250
    assert profile.llm.first_token.draw_ms() == 500
    assert profile.tts.first_byte.draw_ms() == 200
    assert profile.tts.leading_silence.draw_ms() == 200


def test_the_published_preset_is_reproducible_and_its_waits_are_independent() -> None:
    """One seed fixes every wait, but two waits of one profile never share a sequence."""
    one, two = published_profile(5), published_profile(5)
    assert draws(one.llm.first_token, 4) == draws(two.llm.first_token, 4)
    assert one.soniox.seed == two.soniox.seed
    latencies = (one.soniox.interim_lag, one.soniox.final, one.tts.first_byte, one.tts.leading_silence)
    seeds = {latency.seed for latency in latencies if isinstance(latency, LogNormal)}
    assert len(seeds) == len(latencies)


def test_published_leading_silence_lies_in_the_published_range() -> None:
    """150-250 ms is what was measured; nine draws of ten fall in it."""
    sample = draws(published_profile(1).tts.leading_silence, 2_000)
    inside = sum(150 <= ms <= 250 for ms in sample) / len(sample)
    assert inside >= 0.88


def test_profiles_are_found_by_name() -> None:
    """The command line's names; anything else is refused with what is allowed."""
    assert profile_by_name("fixed") == fixed_profile()
    assert profile_by_name("published", seed=9) == published_profile(9)
    with pytest.raises(ValueError, match="'fixed' or 'published', got 'quick'"):
        profile_by_name("quick")


def test_impossible_latencies_are_refused_by_name_and_value() -> None:
    """A wrong figure fails where it is written, not when it is drawn."""
    with pytest.raises(ValueError, match=r"Fixed\.ms .* got -1"):
        Fixed(-1)
    with pytest.raises(ValueError, match="p50_ms=200"):
        LogNormal(200, 100, seed=0)
    with pytest.raises(ValueError, match=r"realtime_factor must be > 0, got 0"):
        TtsLatency(Fixed(1), Fixed(1), 0)
    with pytest.raises(ValueError, match=r"interim_revision_probability .* got 2"):
        SonioxLatency(Fixed(1), Fixed(1), Fixed(1), 2, 0, seed=0)


def test_profiles_cannot_be_changed_in_place() -> None:
    """A profile is a value: a run's figures cannot drift while it runs."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        fixed_profile().tts.realtime_factor = 1.0  # type: ignore[misc]  # the promise under test
