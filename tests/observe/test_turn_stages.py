"""The stages of a turn on one scale, and what of them is not known."""

from __future__ import annotations

from typing import Any

import pytest

from observe.timeline import Timeline
from observe.turn_stages import TurnStages, turn_stages

END_S = 1000.0
TURN = {"stopped_speaking_at": 1000.04, "transcription_delay": 0.36, "end_of_turn_delay": 0.76}
REPLY = {"llm_node_ttft": 0.5, "llm_node_ttfs": 0.52, "tts_node_ttfb": 0.2}


def near(ms: float) -> Any:
    return pytest.approx(ms, abs=0.01)  # a float of a wall clock is no finer


def test_a_reply_that_was_begun_early_has_its_llm_before_the_decision() -> None:
    """Each stage where it was, in ms from the end of speech: the spans overlap."""
    stages = turn_stages(END_S, TURN, REPLY, vad_end_s=1000.3, llm_begin_s=1000.15)
    assert stages == TurnStages(
        vad_end_ms=near(300),
        transcript_ms=near(400),
        decided_ms=near(800),
        llm_begin_ms=near(150),
        llm_first_token_ms=near(650),
        first_clause_ms=near(670),
        tts_first_byte_ms=near(870),
    )
    assert stages.llm_begin_ms is not None
    assert stages.decided_ms is not None
    assert stages.llm_begin_ms < stages.decided_ms


def test_what_nobody_measured_is_none() -> None:
    """No anchor of the VAD, no reply."""
    assert turn_stages(END_S, {"transcription_delay": 0.3}, {}, vad_end_s=None, llm_begin_s=None) == TurnStages()


def test_a_reply_from_memory_has_no_time_of_its_clause() -> None:
    """Its voice did not speak live, so the framework has no time to the first sentence; nothing is made up for it."""
    stages = turn_stages(
        END_S, TURN, {"llm_node_ttft": 0.5, "tts_node_ttfb": 0.02}, vad_end_s=1000.3, llm_begin_s=1000.9
    )
    assert stages.llm_first_token_ms == near(1400)
    assert (stages.first_clause_ms, stages.tts_first_byte_ms) == (None, None)


def test_the_timeline_gets_what_is_known() -> None:
    """Two spans and three marks; of an unknown stage nothing, and of a span without an end nothing."""
    whole, bare = Timeline(END_S), Timeline(END_S)
    turn_stages(END_S, TURN, REPLY, vad_end_s=1000.3, llm_begin_s=1000.15).write(whole)
    TurnStages(llm_begin_ms=150).write(bare)
    assert [(span.name, span.begin_ms, span.end_ms) for span in whole.spans] == [
        ("llm", near(150), near(650)),
        ("tts", near(670), near(870)),
    ]
    assert [(mark.name, mark.at_ms) for mark in whole.marks] == [
        ("vad_end", near(300)),
        ("transcript", near(400)),
        ("turn_decided", near(800)),
    ]
    assert (bare.spans, bare.marks) == ([], [])
