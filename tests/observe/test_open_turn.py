"""What a turn is told to have been, from the moments that were collected in it."""

from __future__ import annotations

from typing import Any

import pytest
from livekit.agents.voice import SpeechHandle

from observe.open_turn import CUT_OFF_S, BegunReply, OpenTurn

END_S, COMMITTED_S, AUDIBLE_S = 1000.0, 1000.8, 1000.9
DECIDED = {"stopped_speaking_at": 1000.05, "end_of_turn_delay": 0.7}


def turn(metrics: dict[str, Any] | None = None, *, begun_at_s: float | None = None, **heard: Any) -> OpenTurn:
    reply = None if begun_at_s is None else BegunReply(SpeechHandle.create(), begun_at_s)
    made = OpenTurn(END_S, COMMITTED_S, metrics or {}, vad_end_s=None, reply=reply, llm_calls=1)
    for name, value in heard.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("went_on_at_s", "cut_off"),
    [
        (None, False),
        (AUDIBLE_S - 0.05, True),
        (AUDIBLE_S + CUT_OFF_S - 0.01, True),
        (AUDIBLE_S + CUT_OFF_S + 0.01, False),
    ],
)
def test_who_goes_on_within_a_second_was_cut_off(went_on_at_s: float | None, *, cut_off: bool) -> None:
    """From just before the reply's first sample on; later it is an interruption."""
    told = turn(audible_at_s=AUDIBLE_S, went_on_at_s=went_on_at_s).record(1, {}, interrupted=False)
    assert (told.cut_off, told.withdrawn) == (cut_off, False)


@pytest.mark.parametrize(("went_on_at_s", "withdrawn"), [(None, False), (1000.85, True)])
def test_a_reply_that_nobody_heard_cuts_nobody_off(went_on_at_s: float | None, *, withdrawn: bool) -> None:
    """It is withdrawn if the caller went on, and else it just never came: no gap, no span of the reply."""
    told = turn(went_on_at_s=went_on_at_s).record(1, {}, interrupted=False)
    assert (told.cut_off, told.withdrawn, told.gap_ms) == (False, withdrawn, None)
    assert [span.name for span in told.timeline.spans] == ["end of turn"]


@pytest.mark.parametrize(
    ("metrics", "begun_at_s", "speculated"),
    [(DECIDED, 1000.2, True), (DECIDED, 1000.76, False), (DECIDED, None, False), ({}, 1000.2, False)],
)
async def test_early_is_what_began_before_the_decision(
    metrics: dict[str, Any], begun_at_s: float | None, *, speculated: bool
) -> None:
    """Without a known decision nothing is claimed; the LLM's begin is told either way."""
    told = turn(metrics, begun_at_s=begun_at_s).record(1, {}, interrupted=False)
    assert told.speculated == speculated
    assert (told.stages.llm_begin_ms is None) == (begun_at_s is None)
