"""Turns as they happen: joins the session's events with what was really heard and said."""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Any

from livekit.agents.llm import ChatMessage

from observe.observer import Tally
from observe.open_turn import BegunReply, OpenTurn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from livekit.agents import (
        AgentFalseInterruptionEvent,
        AgentSession,
        ConversationItemAddedEvent,
        FunctionToolsExecutedEvent,
        SpeechCreatedEvent,
        UserStateChangedEvent,
    )

    from observe.caller_audio import CallerAudio
    from observe.observer import TurnRecord

LONGEST_PAUSE_S = 5.0  # a caller's last sound older than this belongs to another turn


class TurnRecorder:
    """Makes a `TurnRecord` of each turn and hands it to `on_turn`, after the reply has been spoken.

    What belongs to no turn is counted in `tally`.
    """

    def __init__(self, heard: CallerAudio, on_turn: Callable[[TurnRecord], None], tally: Tally | None = None) -> None:
        self._heard = heard
        self._on_turn = on_turn
        self._tally = tally or Tally()
        self._open: OpenTurn | None = None
        self._begun: list[BegunReply] = []
        self._llm_calls = 0
        self._vad_end_s: float | None = None
        self._early: tuple[float, bool] | None = None  # a reply that was heard before its turn's words were told
        self._count = 0

    def attach(self, session: AgentSession[Any]) -> None:
        session.on("conversation_item_added", self._on_item)
        session.on("user_state_changed", self._on_user_state)
        session.on("speech_created", self._on_speech)
        session.on("function_tools_executed", self._on_tools)
        session.on("agent_false_interruption", functools.partial(self._on_false_interruption, session))

    def reply_audible(self, at_s: float, *, opener: bool = False) -> None:
        """The first audible sample of an utterance left at `at_s`; an `opener` was played from memory."""
        if self._open is None:
            self._early = (at_s, opener)
        elif self._open.audible_at_s is None:
            self._open.audible_at_s = at_s
            self._open.opener = opener

    def finish(self) -> None:
        """Close the turn that is open, if any: the call ends."""
        self._close({}, interrupted=False)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if not isinstance(item, ChatMessage):
            return
        metrics: Mapping[str, Any] = {**(item.metrics or {})}
        if item.role == "user":
            self._close_unspoken()
            replies, self._begun = self._begun, []
            llm_calls, self._llm_calls = self._llm_calls, 0
            self._open = OpenTurn(
                self._speech_end(metrics),
                time.time(),
                metrics,
                self._vad_end_s,
                next((reply for reply in reversed(replies) if reply.speech.scheduled), None),
                llm_calls,
            )
            self._vad_end_s = None
            early, self._early = self._early, None
            if early is not None and early[0] > self._open.speech_end_s:
                # A speech-to-speech model answers what it has heard, and the words of that may take longer.
                self._open.committed_at_s = min(self._open.committed_at_s, early[0])
                self.reply_audible(early[0], opener=early[1])
        elif item.role == "assistant":
            self._close(metrics, interrupted=item.interrupted)

    def _on_user_state(self, event: UserStateChangedEvent) -> None:
        if event.new_state != "speaking":
            # The event's own time is the last sound; here it is the VAD's word that counts.
            self._vad_end_s = time.time() if event.old_state == "speaking" else self._vad_end_s
            return
        self._vad_end_s = None
        if self._open is not None and self._open.went_on_at_s is None:
            self._open.went_on_at_s = event.created_at

    def _on_speech(self, event: SpeechCreatedEvent) -> None:
        # The framework says of each reply that the user has initiated it; what it answers tells them apart.
        if event.source == "generate_reply" and event.speech_handle.input_details.modality == "audio":
            standing = (reply for reply in self._begun if not reply.speech.done())
            self._begun = [*standing, BegunReply(event.speech_handle, event.created_at)]
            self._llm_calls += 1
            self._tally.llm_calls += 1

    def _on_tools(self, event: FunctionToolsExecutedEvent) -> None:
        if self._open is not None and event.has_tool_reply:
            self._open.llm_calls += 1
            self._open.llm_begin_s = event.created_at
            self._tally.llm_calls += 1

    def _on_false_interruption(self, session: AgentSession[Any], event: AgentFalseInterruptionEvent) -> None:
        # A reply that was held back before its first sound, and resumed, was interrupted for nobody.
        if session.agent_state == "speaking" or not event.resumed:
            self._tally.false_interruptions += 1

    def _speech_end(self, metrics: Mapping[str, Any]) -> float:
        now_s = time.time()
        measured = self._heard.last_audible_at_s
        if measured is not None and now_s - measured < LONGEST_PAUSE_S:
            return measured
        return float(metrics.get("stopped_speaking_at") or now_s)

    def _close_unspoken(self) -> None:
        """Close a turn whose reply left no message: nothing of it was heard, or not one word."""
        turn = self._open
        if turn is not None:
            stopped = turn.reply is not None and turn.reply.speech.interrupted
            self._close({}, interrupted=stopped and turn.audible_at_s is not None)

    def _close(self, reply: Mapping[str, Any], *, interrupted: bool) -> None:
        turn, self._open = self._open, None
        if turn is not None:
            self._count += 1
            self._on_turn(turn.record(self._count, reply, interrupted=interrupted))
