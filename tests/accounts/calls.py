"""Calls with known figures, as the orchestrator records them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from observe.observer import CallRecord, TurnRecord
from observe.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

JOINED_MS = 100.0
NOTICED_MS = 40.0
"""Later than they came: so late the agent hears of a caller."""


def call_record(
    call_id: str,
    labels: Mapping[str, str],
    *,
    first_word_ms: float | None = 80.0,
    gaps_ms: Sequence[float | None] = (700.0, 900.0),
    at_s: float = 1_700_000_000.0,
    joined_ms: float | None = JOINED_MS,
    cut_offs: int = 0,
    false_interruptions: int = 0,
    errors: int = 0,
    duration_s: float = 60.14,
) -> CallRecord:
    """A call whose caller came `joined_ms` after its dispatch, and was there for a minute."""
    start = Timeline(at_s)
    if joined_ms is not None:
        start.mark("caller_came", at_s + joined_ms / 1000)
        start.mark("caller_joined", at_s + (joined_ms + NOTICED_MS) / 1000)
        if first_word_ms is not None:
            start.mark("first_audible_sample", at_s + (joined_ms + first_word_ms) / 1000)
    call = CallRecord(call_id, f"room of {call_id}", start, labels=dict(labels), duration_s=duration_s)
    call.turns += [turn(number, gap_ms, cut_off=number < cut_offs) for number, gap_ms in enumerate(gaps_ms)]
    call.tally.false_interruptions = false_interruptions
    call.errors += ["tts: APIError"] * errors
    return call


def turn(number: int, gap_ms: float | None, *, cut_off: bool) -> TurnRecord:
    return TurnRecord(
        number=number,
        timeline=Timeline(0.0),
        gap_ms=gap_ms,
        transcription_delay_ms=None,
        end_of_turn_delay_ms=None,
        llm_ttft_ms=None,
        tts_ttfb_ms=None,
        interrupted=False,
        cut_off=cut_off,
    )
