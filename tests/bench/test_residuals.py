"""The caller's measure less the agent's figure and the way between them."""

from __future__ import annotations

import json
import time

import pytest

from bench.residuals import first_word_residual_ms, message, turn_residual_ms, wall_offset_s
from sim.caller import ReceivedText

START = {
    "zero_s": 1000.0,
    "marks": [{"name": "first_frame", "at_ms": 90.0}, {"name": "first_audible_sample", "at_ms": 100.0}],
}


def test_a_first_word_that_adds_up_has_no_residual() -> None:
    """Left after 100 ms, 40 ms under way, heard 140 ms after zero: nothing is left over."""
    assert first_word_residual_ms(START, 1000.140, 40.0) == pytest.approx(0.0, abs=0.001)


def test_a_late_first_word_is_positive() -> None:
    """What the caller waited longer than the timeline says is above zero."""
    assert first_word_residual_ms(START, 1000.165, 40.0) == pytest.approx(25.0, abs=0.001)


def test_without_a_mark_there_is_no_residual() -> None:
    """A call in which nothing was heard has none."""
    assert first_word_residual_ms({"zero_s": 1000.0, "marks": []}, 1000.0, 40.0) is None


def test_a_turn_pays_both_ways() -> None:
    """The caller's words travel up and the reply down: both come off the gap."""
    assert turn_residual_ms({"gap_ms": 800.0}, 905.0, 45.0, 50.0) == pytest.approx(10.0)
    assert turn_residual_ms({"gap_ms": None}, 905.0, 45.0, 50.0) is None


def test_the_offset_joins_the_two_clocks() -> None:
    """A perf_counter plus the offset lies between two readings of the wall clock."""
    before = time.time()
    at = time.perf_counter() + wall_offset_s()
    assert before - 0.05 <= at <= time.time() + 0.05


@pytest.mark.parametrize(("topic", "final", "read"), [("a", True, True), ("b", True, False), ("a", False, False)])
def test_only_finished_texts_of_the_topic_are_read(topic: str, final: bool, read: bool) -> None:
    """A text of another topic, or one that still grows, is no message."""
    text = ReceivedText(topic, "agent", 0.0, {}, json.dumps({"kind": "start"}), final)
    assert message(text, "a") == ({"kind": "start"} if read else None)
