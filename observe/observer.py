"""What listens to a call. An observer never delays it and cannot break it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from observe.timeline import Timeline  # noqa: TC001  # a field's type


@dataclass(frozen=True)
class TurnRecord:
    """One turn of the caller and its answer. Times in ms; None where the turn had no such stage.

    `gap_ms` is the agent's side of the response gap: from the caller's last audible sample as it arrived
    here to the first audible sample of the reply as it left. The caller hears it one way later.
    """

    number: int
    timeline: Timeline
    gap_ms: float | None
    transcription_delay_ms: float | None
    end_of_turn_delay_ms: float | None
    llm_ttft_ms: float | None
    tts_ttfb_ms: float | None
    interrupted: bool


@dataclass
class CallRecord:
    """One call, from dispatch to goodbye."""

    call_id: str
    room: str
    start: Timeline
    turns: list[TurnRecord] = field(default_factory=list[TurnRecord])
    errors: list[str] = field(default_factory=list[str])
    ended_by: str = ""
    duration_s: float = 0.0


class CallObserver(Protocol):
    """Told of one call, in order: `started` once, `turned` for each turn, `ended` once."""

    async def started(self, call: CallRecord) -> None: ...

    async def turned(self, call: CallRecord, turn: TurnRecord) -> None: ...

    async def ended(self, call: CallRecord) -> None: ...
