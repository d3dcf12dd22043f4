"""A call in the log: one line when it begins, one a turn, one when it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from utils.logging_config import get_logger

if TYPE_CHECKING:
    from observe.observer import CallRecord, TurnRecord

log = get_logger("call")

TURN_FLAGS = ("speculated", "opener", "interrupted", "cut_off", "withdrawn")


class CallLog:
    """Writes what the person at three in the morning needs, and no more."""

    async def started(self, call: CallRecord) -> None:
        spans = {f"{span.name}_ms": _round(span.end_ms) for span in call.start.spans}
        log.info("call began", **spans, first_word_ms=_round(call.start.get("first_audible_sample")))

    async def turned(self, call: CallRecord, turn: TurnRecord) -> None:
        log.info(
            "turn",
            n=turn.number,
            gap_ms=_round(turn.gap_ms),
            end_of_turn_ms=_round(turn.end_of_turn_delay_ms),
            transcript_ms=_round(turn.transcription_delay_ms),
            llm_ttft_ms=_round(turn.llm_ttft_ms),
            tts_ttfb_ms=_round(turn.tts_ttfb_ms),
            overhead_ms=_round(turn.overhead_ms),
            **{name: True for name in TURN_FLAGS if getattr(turn, name)},
            **({"llm_calls": turn.llm_calls} if turn.llm_calls > 1 else {}),
        )

    async def ended(self, call: CallRecord) -> None:
        log.info(
            "call ended",
            by=call.ended_by,
            seconds=round(call.duration_s, 1),
            turns=len(call.turns),
            **({"llm_calls": call.tally.llm_calls} if call.turns else {}),
            **({"cut_offs": call.cut_offs} if call.cut_offs else {}),
            **({"false_interruptions": call.tally.false_interruptions} if call.tally.false_interruptions else {}),
            **({"errors": call.errors} if call.errors else {}),
        )


def _round(value_ms: float | None) -> int | None:
    return None if value_ms is None else round(value_ms)
