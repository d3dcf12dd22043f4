"""The stages of one turn, put together from the framework's durations and from what was measured here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from observe.timeline import Timeline


@dataclass(frozen=True)
class TurnStages:
    """When each stage of a turn was reached, in ms from the caller's last audible sample; None where nobody knows.

    A reply that was begun on words that were not final yet has its LLM begin, and more, before `decided_ms`.
    """

    vad_end_ms: float | None = None
    """The VAD said that the caller has stopped."""
    transcript_ms: float | None = None
    """The last final words came."""
    decided_ms: float | None = None
    """The turn was taken for ended."""
    llm_begin_ms: float | None = None
    llm_first_token_ms: float | None = None
    first_clause_ms: float | None = None
    """The first words of the reply went to the TTS; None for a reply that begins from memory."""
    tts_first_byte_ms: float | None = None

    def write(self, timeline: Timeline) -> None:
        """Add what is known as spans and marks; `timeline` begins at the caller's last audible sample."""
        for name, begin_ms, end_ms in (
            ("llm", self.llm_begin_ms, self.llm_first_token_ms),
            ("tts", self.first_clause_ms, self.tts_first_byte_ms),
        ):
            if begin_ms is not None and end_ms is not None:
                timeline.add_span(name, timeline.zero_s + begin_ms / 1000, timeline.zero_s + end_ms / 1000)
        for name, at_ms in (
            ("vad_end", self.vad_end_ms),
            ("transcript", self.transcript_ms),
            ("turn_decided", self.decided_ms),
        ):
            if at_ms is not None:
                timeline.mark(name, timeline.zero_s + at_ms / 1000)


def turn_stages(
    speech_end_s: float,
    turn: Mapping[str, Any],
    reply: Mapping[str, Any],
    *,
    vad_end_s: float | None,
    llm_begin_s: float | None,
) -> TurnStages:
    """Stages from the metrics of the turn's two messages, all in seconds; `..._s` is a `time.time()`."""

    def ms(*parts_s: float | None) -> float | None:
        """The sum, from the end of speech; None if a part is missing."""
        total_s = 0.0
        for part_s in parts_s:
            if part_s is None:
                return None
            total_s += part_s
        return (total_s - speech_end_s) * 1000

    stopped_s = turn.get("stopped_speaking_at")
    # Both of the framework's: a time to the first sentence is only there for a voice that spoke live.
    clause_s, ttfb_s = reply.get("llm_node_ttfs"), reply.get("tts_node_ttfb")
    return TurnStages(
        vad_end_ms=ms(vad_end_s),
        transcript_ms=ms(stopped_s, turn.get("transcription_delay")),
        decided_ms=ms(stopped_s, turn.get("end_of_turn_delay")),
        llm_begin_ms=ms(llm_begin_s),
        llm_first_token_ms=ms(llm_begin_s, reply.get("llm_node_ttft")),
        first_clause_ms=ms(llm_begin_s, clause_s),
        tts_first_byte_ms=ms(llm_begin_s, clause_s, ttfb_s),
    )
