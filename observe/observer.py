"""What listens to a call. An observer never delays it and cannot break it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from observe.timeline import Timeline  # noqa: TC001  # a field's type
from observe.turn_stages import TurnStages


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
    """Of a reply that begins from memory: from the first token to the first sound of that memory."""
    interrupted: bool
    stages: TurnStages = field(default_factory=TurnStages)
    speculated: bool = False
    """The reply was begun before the turn was taken for ended, and kept."""
    opener: bool = False
    """The reply began with a clause from memory."""
    cut_off: bool = False
    """The caller spoke on over the reply's first second, or had begun to before it: the agent was too early."""
    withdrawn: bool = False
    """The caller went on after the turn was taken for ended, and before the reply was heard."""
    llm_calls: int = 0
    """Replies begun for this turn, those among them that were thrown away, and answers to tools."""

    @property
    def provider_sum_ms(self) -> float | None:
        """What LLM and TTS took, as the agent saw them; the least that a gap can be without speculation."""
        if self.llm_ttft_ms is None or self.tts_ttfb_ms is None:
            return None
        return self.llm_ttft_ms + self.tts_ttfb_ms

    @property
    def overhead_ms(self) -> float | None:
        """The gap less `provider_sum_ms`: what is ours."""
        provider_sum_ms = self.provider_sum_ms
        return None if self.gap_ms is None or provider_sum_ms is None else self.gap_ms - provider_sum_ms


@dataclass
class Tally:
    """What is counted over a call, and not turn by turn."""

    false_interruptions: int = 0
    """The agent stopped for a sound that was no turn, and the session had to resume it."""
    hesitations: int = 0
    """The agent's voice stood still for such a sound for less than a second or so, and went on by itself."""
    llm_calls: int = 0
    """Those for words that never became a turn are among them; what the agent says unasked is not."""


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
    tally: Tally = field(default_factory=Tally)
    labels: dict[str, str] = field(default_factory=dict[str, str])
    """The account, and the variant of each experiment, by name."""

    @property
    def cut_offs(self) -> int:
        return sum(turn.cut_off for turn in self.turns)

    @property
    def llm_calls_a_turn(self) -> float | None:
        """Calls of the LLM a committed turn, wasted ones included; None before the first turn."""
        return self.tally.llm_calls / len(self.turns) if self.turns else None

    @property
    def false_interruptions_a_minute(self) -> float | None:
        """None before the end of the call."""
        return self.tally.false_interruptions * 60 / self.duration_s if self.duration_s else None


class CallObserver(Protocol):
    """Told of one call, in order: `started` once, `turned` for each turn, `ended` once."""

    async def started(self, call: CallRecord) -> None: ...

    async def turned(self, call: CallRecord, turn: TurnRecord) -> None: ...

    async def ended(self, call: CallRecord) -> None: ...
