"""Turns from the session's own events and from what was heard and said."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from livekit.agents import AgentSession, ConversationItemAddedEvent
from livekit.agents.llm import AgentHandoff, ChatMessage

from observe import turn_recorder
from observe.caller_audio import CallerAudio
from observe.turn_recorder import TurnRecorder
from tests.observe.test_caller_audio import Source

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from observe.observer import TurnRecord


class Call:
    """A session that is not started, a recorder on it, and a clock that is moved by hand."""

    def __init__(self, session: AgentSession[None], monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        self.turns: list[TurnRecord] = []
        self.heard = CallerAudio(Source())
        self.recorder = TurnRecorder(self.heard, self.turns.append)
        self._session = session
        monkeypatch.setattr(turn_recorder.time, "time", lambda: self.now_s)
        self.recorder.attach(session)

    def said(self, role: Any, text: str, *, interrupted: bool = False, **metrics: float) -> None:
        message = ChatMessage(role=role, content=[text], interrupted=interrupted, metrics={**metrics})  # pyright: ignore[reportArgumentType]  # a TypedDict built from keywords
        self._session.emit("conversation_item_added", ConversationItemAddedEvent(item=message))


@pytest.fixture
async def call(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Call]:
    session = AgentSession[None]()
    yield Call(session, monkeypatch)
    monkeypatch.undo()
    await session.aclose()


def spans(turn: TurnRecord) -> list[tuple[str, float, float]]:
    return [(span.name, round(span.begin_ms, 1), round(span.end_ms or 0, 1)) for span in turn.timeline.spans]


async def test_a_turn_is_measured_from_the_last_sound_to_the_first_sound(call: Call) -> None:
    """Gap, its two parts, and the framework's own times in ms."""
    call.heard.last_audible_at_s = 999.4
    call.said("user", "When do you open?", transcription_delay=0.31, end_of_turn_delay=0.45)
    call.recorder.reply_audible(1000.3)
    call.now_s = 1002.0
    call.said("assistant", "At five.", llm_node_ttft=0.25, tts_node_ttfb=0.12)
    (turn,) = call.turns
    assert turn.gap_ms == pytest.approx(900)
    assert spans(turn) == [("end of turn", 0.0, 600.0), ("reply", 600.0, 900.0)]
    assert (turn.number, turn.interrupted) == (1, False)
    assert (turn.transcription_delay_ms, turn.end_of_turn_delay_ms, turn.llm_ttft_ms, turn.tts_ttfb_ms) == (
        pytest.approx(310),
        pytest.approx(450),
        pytest.approx(250),
        pytest.approx(120),
    )


async def test_times_that_nobody_measured_are_none(call: Call) -> None:
    """Not zero: a report must not average them."""
    call.said("user", "Hello?")
    call.said("assistant", "Hello!")
    (turn,) = call.turns
    assert (turn.gap_ms, turn.transcription_delay_ms, turn.end_of_turn_delay_ms) == (None, None, None)
    assert (turn.llm_ttft_ms, turn.tts_ttfb_ms) == (None, None)


async def test_only_the_first_sound_of_the_reply_counts(call: Call) -> None:
    """A reply in two pieces has one gap."""
    call.heard.last_audible_at_s = 999.5
    call.said("user", "Tell me more.")
    call.recorder.reply_audible(1000.2)
    call.recorder.reply_audible(1003.0)
    call.said("assistant", "More.")
    assert call.turns[0].gap_ms == pytest.approx(700)


async def test_an_interrupted_reply_says_so(call: Call) -> None:
    """By the message that the framework cut."""
    call.said("user", "What is on the menu?")
    call.recorder.reply_audible(1000.5)
    call.said("assistant", "We have", interrupted=True)
    assert call.turns[0].interrupted


async def test_two_turns_are_numbered_and_a_reply_without_a_question_is_none(call: Call) -> None:
    """The greeting, and a system message, are not turns."""
    call.said("assistant", "Hello, this is the front desk.")
    call.said("system", "Be brief.")
    call.recorder.reply_audible(999.0)
    for text in ("One?", "Two?"):
        call.said("user", text)
        call.said("assistant", "Yes.")
    assert [turn.number for turn in call.turns] == [1, 2]


async def test_a_caller_who_goes_on_closes_the_turn_that_was_not_answered(call: Call) -> None:
    """Two user messages in a row are two turns, the first one without a gap."""
    call.said("user", "Hello?")
    call.said("user", "Are you there?")
    call.recorder.reply_audible(1000.4)
    call.said("assistant", "I am.")
    assert [turn.gap_ms is None for turn in call.turns] == [True, False]


async def test_the_end_of_the_call_closes_the_open_turn_once(call: Call) -> None:
    """Hung up in the middle of the reply: the gap that was heard is kept."""
    call.heard.last_audible_at_s = 999.5
    call.said("user", "Goodbye.")
    call.recorder.reply_audible(1000.0)
    call.recorder.finish()
    call.recorder.finish()
    assert [turn.gap_ms for turn in call.turns] == [pytest.approx(500)]


async def test_a_sound_of_long_ago_is_not_the_end_of_this_turn(call: Call) -> None:
    """Then the framework's own time counts, and without one the moment of the message."""
    call.heard.last_audible_at_s = 1000.0 - turn_recorder.LONGEST_PAUSE_S - 0.1
    call.said("user", "One.", stopped_speaking_at=999.7)
    call.said("assistant", "Yes.")
    call.said("user", "Two.")
    call.said("assistant", "Yes.")
    assert [turn.timeline.zero_s for turn in call.turns] == [999.7, 1000.0]


async def test_items_that_are_no_messages_are_ignored(call: Call) -> None:
    """A handoff to another agent is not a turn."""
    handoff = AgentHandoff(new_agent_id="other")
    call._session.emit("conversation_item_added", ConversationItemAddedEvent(item=handoff))  # pyright: ignore[reportPrivateUsage]  # this file's own class
    call.recorder.finish()
    assert call.turns == []
    assert time.time() == 1000.0
