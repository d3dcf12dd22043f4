"""A call in the log: one line when it begins, one when it ends, and between them no more than a person can read."""

from __future__ import annotations

import logging
import statistics
import time
from typing import TYPE_CHECKING

from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from observe.observer import CallRecord, TurnRecord

log = get_logger("call")

TURN_FLAGS = ("speculated", "opener", "interrupted", "cut_off", "withdrawn")
WRONG = ("cut_off", "withdrawn")
SLOW_MS = 2000.0
"""A gap in which a caller asks whether somebody is there."""
QUIET_S = 30.0
"""Between two turns' lines at the default level, if nothing is wrong with the second."""


class CallLog:
    """Writes what the person at three in the morning needs: made for one call.

    A turn that went wrong or slow has its line; of the others one each QUIET_S, the rest at DEBUG.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._quiet_until_s = 0.0

    async def started(self, call: CallRecord) -> None:
        spans = {f"{span.name}_ms": _round(span.end_ms) for span in call.start.spans}
        variants = {name: variant for name, variant in call.labels.items() if name != "account"}
        said = {"account": call.labels.get("account"), "variants": variants}
        log.info(
            "call began",
            **{name: value for name, value in said.items() if value},
            **spans,
            first_word_ms=_round(call.start.get("first_audible_sample")),
        )

    async def turned(self, call: CallRecord, turn: TurnRecord) -> None:
        log.log(
            self._level(turn),
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
            **_gaps(call.turns),
            **({"llm_calls": call.tally.llm_calls} if call.turns else {}),
            **({"cut_offs": call.cut_offs} if call.cut_offs else {}),
            **({"false_interruptions": call.tally.false_interruptions} if call.tally.false_interruptions else {}),
            **({"hesitations": call.tally.hesitations} if call.tally.hesitations else {}),
            **({"errors": call.errors} if call.errors else {}),
        )

    def _level(self, turn: TurnRecord) -> int:
        now_s = self._clock_s()
        is_wrong = any(getattr(turn, name) for name in WRONG) or (turn.gap_ms or 0.0) > SLOW_MS
        if not is_wrong and now_s < self._quiet_until_s:
            return logging.DEBUG
        self._quiet_until_s = now_s + QUIET_S
        return logging.INFO


def _gaps(turns: list[TurnRecord]) -> dict[str, int]:
    gaps_ms = [turn.gap_ms for turn in turns if turn.gap_ms is not None]
    return {"gap_p50_ms": round(statistics.median(gaps_ms)), "gap_max_ms": round(max(gaps_ms))} if gaps_ms else {}


def _round(value_ms: float | None) -> int | None:
    return None if value_ms is None else round(value_ms)
