"""What is worked out of a call's and a turn's figures."""

from __future__ import annotations

import pytest

from tests.observe.records import call, turn


def test_the_overhead_is_the_gap_without_the_providers() -> None:
    """812.34 ms of gap, 250.6 of LLM and 120.4 of TTS."""
    assert turn().provider_sum_ms == pytest.approx(371.0)
    assert turn().overhead_ms == pytest.approx(441.34)


def test_a_turn_without_one_of_the_figures_has_no_overhead() -> None:
    """None, not the whole gap."""
    silent = turn()
    object.__setattr__(silent, "gap_ms", None)
    toneless = turn()
    object.__setattr__(toneless, "tts_ttfb_ms", None)
    assert (silent.overhead_ms, toneless.overhead_ms, toneless.provider_sum_ms) == (None, None, None)


def test_a_call_counts_over_its_turns() -> None:
    """Cut-offs, LLM calls a committed turn, false interruptions a minute."""
    record = call()
    record.turns = [turn(1, cut_off=True), turn(2), turn(3), turn(4)]
    record.tally.llm_calls, record.tally.false_interruptions = 6, 1
    record.duration_s = 120.0
    assert (record.cut_offs, record.llm_calls_a_turn, record.false_interruptions_a_minute) == (1, 1.5, 0.5)


def test_before_its_first_turn_and_its_end_a_call_has_no_rates() -> None:
    """None, not zero."""
    assert (call().llm_calls_a_turn, call().false_interruptions_a_minute) == (None, None)
