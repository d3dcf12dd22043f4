"""Turns as they happen: joins the session's events with what was really heard and said."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from livekit.agents.llm import ChatMessage

from observe.observer import TurnRecord
from observe.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from livekit.agents import AgentSession, ConversationItemAddedEvent

    from observe.caller_audio import CallerAudio

LONGEST_PAUSE_S = 5.0  # a caller's last sound older than this belongs to another turn


@dataclass
class _OpenTurn:
    speech_end_s: float
    committed_at_s: float
    metrics: Mapping[str, Any]
    audible_at_s: float | None = None


class TurnRecorder:
    """Makes a `TurnRecord` of each turn and hands it to `on_turn`, after the reply has been spoken."""

    def __init__(self, heard: CallerAudio, on_turn: Callable[[TurnRecord], None]) -> None:
        self._heard = heard
        self._on_turn = on_turn
        self._open: _OpenTurn | None = None
        self._count = 0

    def attach(self, session: AgentSession[Any]) -> None:
        session.on("conversation_item_added", self._on_item)

    def reply_audible(self, at_s: float) -> None:
        """The first audible sample of an utterance left at `at_s`."""
        if self._open is not None and self._open.audible_at_s is None:
            self._open.audible_at_s = at_s

    def finish(self) -> None:
        """Close the turn that is open, if any: the call ends."""
        self._close({}, interrupted=False)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, ChatMessage):
            return
        metrics: Mapping[str, Any] = {**(item.metrics or {})}
        if item.role == "user":
            self._close({}, interrupted=False)
            self._open = _OpenTurn(self._speech_end(metrics), time.time(), metrics)
        elif item.role == "assistant":
            self._close(metrics, interrupted=item.interrupted)

    def _speech_end(self, metrics: Mapping[str, Any]) -> float:
        now_s = time.time()
        measured = self._heard.last_audible_at_s
        if measured is not None and now_s - measured < LONGEST_PAUSE_S:
            return measured
        return float(metrics.get("stopped_speaking_at") or now_s)

    def _close(self, reply: Mapping[str, Any], *, interrupted: bool) -> None:
        turn, self._open = self._open, None
        if turn is None:
            return
        self._count += 1
        timeline = Timeline(turn.speech_end_s)
        timeline.add_span("end of turn", turn.speech_end_s, turn.committed_at_s)
        if turn.audible_at_s is not None:
            timeline.add_span("reply", turn.committed_at_s, turn.audible_at_s)
            timeline.mark("first_audible_sample", turn.audible_at_s)
        self._on_turn(
            TurnRecord(
                number=self._count,
                timeline=timeline,
                gap_ms=timeline.get("first_audible_sample"),
                transcription_delay_ms=_ms(turn.metrics.get("transcription_delay")),
                end_of_turn_delay_ms=_ms(turn.metrics.get("end_of_turn_delay")),
                llm_ttft_ms=_ms(reply.get("llm_node_ttft")),
                tts_ttfb_ms=_ms(reply.get("tts_node_ttfb")),
                interrupted=interrupted,
            )
        )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else seconds * 1000
