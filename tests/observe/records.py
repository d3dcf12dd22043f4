"""A call and a turn with known numbers."""

from __future__ import annotations

from typing import Any

from observe.observer import CallRecord, TurnRecord
from observe.timeline import Timeline


def call() -> CallRecord:
    timeline = Timeline(100.0)
    timeline.add_span("dispatch", 100.0, 100.002)
    timeline.add_span("room", 100.002, 100.0501)
    timeline.mark("first_audible_sample", 100.0884)
    return CallRecord("job-1", "room-1", timeline)


def turn(number: int = 1, *, interrupted: bool = False, **more: Any) -> TurnRecord:
    timeline = Timeline(110.0)
    timeline.add_span("end of turn", 110.0, 110.4)
    timeline.mark("first_audible_sample", 110.81234)
    return TurnRecord(
        number=number,
        timeline=timeline,
        gap_ms=812.34,
        transcription_delay_ms=301.2,
        end_of_turn_delay_ms=None,
        llm_ttft_ms=250.6,
        tts_ttfb_ms=120.4,
        interrupted=interrupted,
        **more,
    )
