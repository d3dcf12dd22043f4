"""A turn between the caller's last word and the end of its answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from observe.observer import TurnRecord
from observe.timeline import Timeline
from observe.turn_stages import turn_stages

if TYPE_CHECKING:
    from collections.abc import Mapping

    from livekit.agents.voice import SpeechHandle

CUT_OFF_S = 1.0  # a caller who goes on so soon had not finished; one who interrupts has heard a few words first


@dataclass(frozen=True)
class BegunReply:
    """A reply that was begun for the caller's turn, committed or not."""

    speech: SpeechHandle
    at_s: float


@dataclass
class OpenTurn:
    """Collects what happens in the turn; all `_s` are `time.time()`."""

    speech_end_s: float
    committed_at_s: float
    metrics: Mapping[str, Any]
    """Of the caller's message."""
    vad_end_s: float | None
    reply: BegunReply | None
    llm_calls: int
    llm_begin_s: float | None = field(init=False)
    """Of the call that gave the words that are heard."""
    audible_at_s: float | None = None
    opener: bool = False
    went_on_at_s: float | None = None
    """When the caller spoke again."""

    def __post_init__(self) -> None:
        self.llm_begin_s = None if self.reply is None else self.reply.at_s

    def record(self, number: int, reply: Mapping[str, Any], *, interrupted: bool) -> TurnRecord:
        """The turn as it is told; `reply` is the metrics of the agent's message, empty if it left none."""
        timeline = Timeline(self.speech_end_s)
        timeline.add_span("end of turn", self.speech_end_s, self.committed_at_s)
        if self.audible_at_s is not None:
            timeline.add_span("reply", self.committed_at_s, self.audible_at_s)
            timeline.mark("first_audible_sample", self.audible_at_s)
        stages = turn_stages(
            self.speech_end_s, self.metrics, reply, vad_end_s=self.vad_end_s, llm_begin_s=self.llm_begin_s
        )
        stages.write(timeline)
        begun_ms = None if self.reply is None else timeline.at_ms(self.reply.at_s)
        return TurnRecord(
            number=number,
            timeline=timeline,
            gap_ms=timeline.get("first_audible_sample"),
            transcription_delay_ms=_ms(self.metrics.get("transcription_delay")),
            end_of_turn_delay_ms=_ms(self.metrics.get("end_of_turn_delay")),
            llm_ttft_ms=_ms(reply.get("llm_node_ttft")),
            tts_ttfb_ms=_ms(reply.get("tts_node_ttfb")),
            interrupted=interrupted,
            stages=stages,
            speculated=begun_ms is not None and stages.decided_ms is not None and begun_ms < stages.decided_ms,
            opener=self.opener,
            cut_off=self._went_on_within(CUT_OFF_S),
            withdrawn=self.audible_at_s is None and self.went_on_at_s is not None,
            llm_calls=self.llm_calls,
        )

    def _went_on_within(self, limit_s: float) -> bool:
        """Whether the caller spoke on over the first `limit_s` of the reply, or had begun to before it."""
        if self.audible_at_s is None or self.went_on_at_s is None:
            return False
        return self.went_on_at_s - self.audible_at_s < limit_s


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
