"""Turns from the session's own events and from what was heard and said."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from livekit.agents import (
    AgentFalseInterruptionEvent,
    AgentSession,
    ConversationItemAddedEvent,
    FunctionToolsExecutedEvent,
    SpeechCreatedEvent,
    UserStateChangedEvent,
)
from livekit.agents.llm import AgentHandoff, ChatMessage, FunctionCall, FunctionCallOutput
from livekit.agents.voice.speech_handle import InputDetails, SpeechHandle

from observe import turn_recorder
from observe.caller_audio import CallerAudio
from observe.observer import Tally
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
        self.tally = Tally()
        self.recorder = TurnRecorder(self.heard, self.turns.append, self.tally)
        self._session = session
        monkeypatch.setattr(turn_recorder.time, "time", lambda: self.now_s)
        self.recorder.attach(session)

    def said(self, role: Any, text: str, *, interrupted: bool = False, **metrics: float) -> None:
        message = ChatMessage(role=role, content=[text], interrupted=interrupted, metrics={**metrics})  # pyright: ignore[reportArgumentType]  # a TypedDict built from keywords
        self._session.emit("conversation_item_added", ConversationItemAddedEvent(item=message))

    def speaks(self, at_s: float) -> None:
        """The VAD hears the caller begin."""
        event = UserStateChangedEvent(old_state="listening", new_state="speaking", created_at=at_s)
        self._session.emit("user_state_changed", event)

    def stops(self) -> None:
        """The VAD says, now, that the caller stopped 250 ms ago."""
        event = UserStateChangedEvent(old_state="speaking", new_state="listening", created_at=self.now_s - 0.25)
        self._session.emit("user_state_changed", event)

    def begins(self, at_s: float, *, modality: Any = "audio", source: Any = "generate_reply") -> SpeechHandle:
        """A reply is begun."""
        speech = SpeechHandle.create(input_details=InputDetails(modality=modality))
        self._session.emit(
            "speech_created",
            SpeechCreatedEvent(user_initiated=True, source=source, speech_handle=speech, created_at=at_s),
        )
        return speech

    def used_a_tool(self, at_s: float, *, answer: bool = True) -> None:
        called = FunctionCall(call_id="1", name="opening_hours", arguments="{}")
        output = FunctionCallOutput(call_id="1", name="opening_hours", output="", is_error=False)
        output.reply_required = answer
        self._session.emit(
            "function_tools_executed",
            FunctionToolsExecutedEvent(function_calls=[called], function_call_outputs=[output], created_at=at_s),
        )

    def falsely_interrupted(self, *, resumed: bool = True) -> None:
        self._session.emit("agent_false_interruption", AgentFalseInterruptionEvent(resumed=resumed))


def scheduled(speech: SpeechHandle) -> SpeechHandle:
    """The framework has taken it for the answer."""
    speech._mark_scheduled()  # pyright: ignore[reportPrivateUsage]  # only a started session does that
    return speech


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
    assert turn.overhead_ms == pytest.approx(900 - 250 - 120)
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


async def test_a_reply_that_was_begun_early_and_kept(call: Call) -> None:
    """Of three that were begun the last is kept; its LLM begins before the decision, and the timeline says so."""
    call.heard.last_audible_at_s = 999.2
    call.speaks(998.0)
    call.begins(998.8)
    call.begins(999.1)
    scheduled(call.begins(999.35))
    call.now_s = 999.5
    call.stops()
    call.now_s = 1000.0
    call.said("user", "When do you open?", stopped_speaking_at=999.25, end_of_turn_delay=0.7, transcription_delay=0.4)
    call.recorder.reply_audible(1000.1, opener=True)
    call.said("assistant", "At five.", llm_node_ttft=0.5, llm_node_ttfs=0.52, tts_node_ttfb=0.2)
    (turn,) = call.turns
    assert (turn.speculated, turn.opener, turn.llm_calls, call.tally.llm_calls) == (True, True, 3, 3)
    assert spans(turn) == [
        ("end of turn", 0.0, 800.0),
        ("reply", 800.0, 900.0),
        ("llm", 150.0, 650.0),
        ("tts", 670.0, 870.0),
    ]
    marks = [(mark.name, round(mark.at_ms)) for mark in turn.timeline.marks]
    assert marks == [("first_audible_sample", 900), ("vad_end", 300), ("transcript", 450), ("turn_decided", 750)]


async def test_a_reply_that_was_begun_at_the_decision_is_not_early(call: Call) -> None:
    """Also if others were begun before it and thrown away."""
    call.heard.last_audible_at_s = 999.2
    call.begins(999.35)
    scheduled(call.begins(999.96))
    call.said("user", "When do you open?", stopped_speaking_at=999.25, end_of_turn_delay=0.7)
    call.said("assistant", "At five.", llm_node_ttft=0.5)
    (turn,) = call.turns
    assert (turn.speculated, turn.llm_calls) == (False, 2)
    assert turn.stages.llm_begin_ms == pytest.approx(760)


async def test_what_is_said_unasked_is_no_call_for_a_turn(call: Call) -> None:
    """The greeting, and a reply that a program asked for."""
    scheduled(call.begins(999.0, source="say"))
    scheduled(call.begins(999.0, modality="text"))
    call.said("user", "Hello?")
    call.said("assistant", "Hello!")
    assert (call.turns[0].llm_calls, call.turns[0].stages.llm_begin_ms, call.tally.llm_calls) == (0, None, 0)


async def test_a_tools_answer_is_one_call_more(call: Call) -> None:
    """The words that are heard come from the second one, so its times count; a tool without an answer costs none."""
    call.heard.last_audible_at_s = 999.5
    scheduled(call.begins(999.9))
    call.said("user", "Are you open on Monday?")
    call.used_a_tool(1000.8)
    call.used_a_tool(1000.9, answer=False)
    call.said("assistant", "We are closed.", llm_node_ttft=0.3)
    (turn,) = call.turns
    assert (turn.llm_calls, call.tally.llm_calls) == (2, 2)
    assert turn.stages.llm_begin_ms == pytest.approx(1300)
    assert turn.stages.llm_first_token_ms == pytest.approx(1600)


@pytest.mark.parametrize(("after_s", "cut_off"), [(0.3, True), (2.0, False)])
async def test_a_caller_who_goes_on_at_once_was_cut_off(call: Call, after_s: float, *, cut_off: bool) -> None:
    """Soon after the reply's first sample; later it is an interruption."""
    call.said("user", "I would like")
    call.recorder.reply_audible(1000.5)
    call.speaks(1000.5 + after_s)
    call.said("assistant", "Sure", interrupted=True)
    (turn,) = call.turns
    assert (turn.cut_off, turn.withdrawn, turn.interrupted) == (cut_off, False, True)


async def test_a_reply_that_was_not_heard_is_withdrawn(call: Call) -> None:
    """The caller goes on before its first sample: nobody was cut off, but the turn was ended too early."""
    call.said("user", "I would like")
    call.speaks(1000.2)
    call.said("user", "a table for two.")
    call.recorder.reply_audible(1001.0)
    call.said("assistant", "Sure.")
    assert [(turn.withdrawn, turn.cut_off) for turn in call.turns] == [(True, False), (False, False)]


async def test_a_reply_of_which_no_word_was_heard_is_interrupted(call: Call) -> None:
    """It leaves no message; the speech itself says that it was stopped."""
    speech = scheduled(call.begins(1000.0))
    call.said("user", "I would like")
    call.recorder.reply_audible(1000.4)
    call.speaks(1000.5)
    speech.interrupt()
    call.said("user", "a table for two.")
    call.said("assistant", "Sure.")
    assert [(turn.interrupted, turn.cut_off) for turn in call.turns] == [(True, True), (False, False)]


async def test_the_words_of_the_turn_itself_do_not_cut_it_off(call: Call) -> None:
    """The caller spoke before the turn was committed, and is quiet after it."""
    call.speaks(998.0)
    call.stops()
    call.said("user", "Hello?")
    call.recorder.reply_audible(1000.3)
    call.said("assistant", "Hello!")
    assert (call.turns[0].cut_off, call.turns[0].withdrawn) == (False, False)


async def test_of_several_pauses_the_last_is_the_vads_end(call: Call) -> None:
    """And what the VAD said of one turn does not stand for the next one."""
    call.heard.last_audible_at_s = 999.9
    for at_s in (999.0, 1000.15):
        call.now_s = at_s
        call.speaks(at_s - 0.5)
        call.stops()
    call.said("user", "I would like ... a table.")
    call.said("assistant", "Sure.")
    call.said("user", "Thanks.")
    call.recorder.finish()
    assert [turn.stages.vad_end_ms for turn in call.turns] == [pytest.approx(250), None]


async def test_false_interruptions_are_counted_if_a_sound_was_stopped(call: Call) -> None:
    """A reply that was held back before its first sample is resumed as "thinking": nobody heard that."""
    call.falsely_interrupted()
    assert call.tally.false_interruptions == 0
    call._session._update_agent_state("speaking")  # pyright: ignore[reportPrivateUsage]  # only a started session does that
    call.falsely_interrupted()
    assert call.tally.false_interruptions == 1
    call.falsely_interrupted(resumed=False)
    assert call.tally.false_interruptions == 2


async def test_a_reply_may_be_heard_before_the_words_that_it_answers_are_told(call: Call) -> None:
    """A speech-to-speech model does that: the turn has its gap, and no span runs backwards."""
    call.recorder.reply_audible(990.0)  # the greeting, which answers nothing
    call.heard.last_audible_at_s = 999.0
    call.recorder.reply_audible(999.8)
    call.said("user", "When do you open?")
    call.now_s = 1002.0
    call.said("assistant", "At five.")
    (turn,) = call.turns
    assert turn.gap_ms == pytest.approx(800)
    assert spans(turn) == [("end of turn", 0.0, 800.0), ("reply", 800.0, 800.0)]


async def test_what_was_heard_before_the_caller_spoke_is_not_their_answer(call: Call) -> None:
    """The greeting's first sound is older than the turn's last."""
    call.recorder.reply_audible(990.0)
    call.heard.last_audible_at_s = 999.0
    call.said("user", "When do you open?")
    call.said("assistant", "At five.")
    assert call.turns[0].gap_ms is None
