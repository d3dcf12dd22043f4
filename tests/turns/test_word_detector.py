"""The turn detector that judges the newest words, alone and in the framework's own end-of-turn task."""

# pyright: reportPrivateUsage=false
# The framework's recognition is driven by its private event methods, as its VAD and STT tasks do.

from __future__ import annotations

import asyncio
import math
import time
from typing import TYPE_CHECKING, Any

import pytest
from livekit.agents import AgentSession, LanguageCode, llm, stt, vad
from livekit.agents.voice.audio_recognition import AudioRecognition
from livekit.agents.voice.endpointing import BaseEndpointing

from turns.completeness import Verdict
from turns.word_detector import FINISHED, GOES_ON, THRESHOLD, WordDetector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MIN_DELAY_S, UNKNOWN_WAIT_S, MAX_DELAY_S = 0.1, 0.6, 1.2


def context(*said: tuple[Any, str]) -> llm.ChatContext:
    """A conversation of (role, text)."""
    chat_ctx = llm.ChatContext.empty()
    for role, text in said:
        chat_ctx.add_message(role=role, content=text)
    return chat_ctx


# Alone ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("final", "interim", "expected"),
    [
        ("What time is it?", "", FINISHED),
        ("I would like to.", "", GOES_ON),
        ("I would like to.", "book a table.", FINISHED),
        ("What time is it?", "And", GOES_ON),
        ("", "", FINISHED),
    ],
)
async def test_the_newest_words_decide(final: str, interim: str, expected: float) -> None:
    """Interim words behind the final ones of the chat context."""
    detector = WordDetector()
    detector.heard(interim, "en")
    assert await detector.predict_end_of_turn(context(("user", final))) == expected


async def test_an_older_turn_is_not_read() -> None:
    """Words before the agent's reply belong to a turn that is over."""
    detector = WordDetector()
    detector.heard("Yes.", "en")
    spoken = context(("user", "I would like to"), ("assistant", "Sure."))
    assert await detector.predict_end_of_turn(spoken) == FINISHED


async def test_final_words_replace_the_interim_ones() -> None:
    """They come back in the chat context."""
    detector = WordDetector()
    detector.heard("my name is", "en")
    detector.heard("My name is Anna.", "en", final=True)
    assert await detector.predict_end_of_turn(context(("user", "My name is Anna."))) == FINISHED
    assert detector.last.verdict is Verdict.STATEMENT


async def test_the_final_words_are_asked_for_when_the_turn_could_end() -> None:
    """Not while it is open: the words go on, and the recogniser keeps its context."""
    asked: list[str] = []
    detector = WordDetector(ask_final=lambda: asked.append("now"))
    detector.heard("and my", "en")
    assert await detector.predict_end_of_turn(context(("user", "My name is Anna"))) == GOES_ON
    assert asked == []
    detector.heard("and my number is wrong.", "en")
    assert await detector.predict_end_of_turn(context(("user", "My name is Anna"))) == GOES_ON
    assert asked == ["now"]
    detector.heard("", "en", final=True)
    assert await detector.predict_end_of_turn(context(("user", "My name is Anna, it is wrong."))) == FINISHED
    assert asked == ["now"]


async def test_a_patient_detector_never_answers_the_unknown() -> None:
    """None: words that tell neither wait like open ones."""
    words = context(("user", "I need a table"))
    assert await WordDetector(unknown_wait_s=None).predict_end_of_turn(words) == GOES_ON
    assert await WordDetector(unknown_wait_s=0.0).predict_end_of_turn(words) == FINISHED


@pytest.mark.parametrize(
    ("since_s", "timeout_s", "left_s"),
    [(0.0, None, 2.0), (0.5, None, 1.5), (3.0, None, 0.0), (0.5, 0.25, 0.25)],
)
def test_the_unknown_waits_since_the_newest_word(since_s: float, timeout_s: float | None, left_s: float) -> None:
    """Not since it was asked, and not since the same words became final."""
    now_s = 100.0
    detector = WordDetector(unknown_wait_s=2.0, clock_s=lambda: now_s)
    detector.heard("I need a", "en")
    now_s += 7
    detector.heard("I need a table", "en")
    now_s += since_s
    detector.heard("i need a table,", "en")
    detector.heard("I need one table", "en", final=True)
    assert detector._left_s(2.0, timeout_s) == pytest.approx(left_s)


@pytest.mark.parametrize("wait_s", [-0.1, math.inf, math.nan])
def test_a_wait_that_cannot_be_is_refused(wait_s: float) -> None:
    """With its name and its value."""
    with pytest.raises(ValueError, match=f"unknown_wait_s is {wait_s}; allowed"):
        WordDetector(unknown_wait_s=wait_s)


async def test_every_language_has_a_threshold_between_the_answers() -> None:
    """The framework logs a line for a language that is not supported, and asks again each time."""
    detector = WordDetector()
    for language in (None, LanguageCode("en"), LanguageCode("de")):
        assert await detector.supports_language(language)
        threshold = await detector.unlikely_threshold(language)
        assert threshold is not None
        assert GOES_ON < threshold < FINISHED
    assert THRESHOLD == 0.5


# In the framework ----------------------------------------------------------------------------------


class Turns:
    """Takes what the recognition reports, and keeps the turns that it commits."""

    interruption_by_audio_activity_enabled = True

    def __init__(self) -> None:
        self.committed: asyncio.Queue[str] = asyncio.Queue()

    def retrieve_chat_ctx(self) -> llm.ChatContext:
        return context(("assistant", "Hello, what can I do for you?"))

    def on_end_of_turn(self, info: Any) -> bool:
        self.committed.put_nowait(info.new_transcript)
        return True

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda *_args, **_options: None  # pyright: ignore[reportUnknownLambdaType]  # all other reports


async def no_events(_audio: Any, _settings: Any) -> AsyncIterator[stt.SpeechEvent]:
    """An STT that is there; its events are put in by hand."""
    for event in ():
        yield event


class Call:
    """The framework's recognition with a detector; the caller's events come from the test."""

    def __init__(self, detector: WordDetector, max_delay_s: float = MAX_DELAY_S) -> None:
        self.detector = detector
        self.turns = Turns()
        self._recognition = AudioRecognition(
            AgentSession[None](vad=None, turn_handling={"turn_detection": detector}),
            hooks=self.turns,  # pyright: ignore[reportArgumentType]  # by its `__getattr__`
            endpointing=BaseEndpointing(MIN_DELAY_S, max_delay_s),
            stt=no_events,
            vad=None,
            interruption_detection=None,
            turn_detection=detector,
        )

    async def speech(self, begins: bool) -> None:
        kind = vad.VADEventType.START_OF_SPEECH if begins else vad.VADEventType.END_OF_SPEECH
        await self._recognition._on_vad_event(
            vad.VADEvent(type=kind, samples_index=0, timestamp=0.0, speech_duration=0.5, silence_duration=0.0)
        )

    async def final(self, text: str) -> None:
        self.detector.heard(text, "en", final=True)
        data = stt.SpeechData(language=LanguageCode("en"), text=text)
        await self._recognition._on_stt_event(
            stt.SpeechEvent(type=stt.SpeechEventType.FINAL_TRANSCRIPT, alternatives=[data])
        )

    async def says(self, text: str) -> None:
        await self.speech(True)
        await self.speech(False)
        await self.final(text)

    async def commit(self) -> str:
        async with asyncio.timeout(20):
            return await self.turns.committed.get()


async def test_three_verdicts_are_three_waits() -> None:
    """Complete words end the turn first, words that tell neither next, open ones last, each after its time."""
    calls = [Call(WordDetector(unknown_wait_s=UNKNOWN_WAIT_S)) for _ in range(3)]
    begin_s = time.monotonic()
    ended: list[tuple[str, float]] = []

    async def turn(call: Call, text: str) -> None:
        await call.says(text)
        ended.append((await call.commit(), time.monotonic() - begin_s))

    texts = ["I would like", "We are six children", "What time is it?"]
    await asyncio.gather(*(turn(call, text) for call, text in zip(calls, texts, strict=True)))
    assert [text for text, _ in ended] == ["What time is it?", "We are six children", "I would like"]
    least_s = (MIN_DELAY_S, UNKNOWN_WAIT_S, MAX_DELAY_S)
    assert all(after_s >= least - 0.02 for (_, after_s), least in zip(ended, least_s, strict=True))


async def test_speech_breaks_off_the_middle_wait() -> None:
    """A caller who goes on while the detector waits is not cut off, and the halves are one turn."""
    call = Call(WordDetector(unknown_wait_s=UNKNOWN_WAIT_S))
    await call.says("We are six children")
    await asyncio.sleep(0)
    await call.speech(True)
    await asyncio.sleep(UNKNOWN_WAIT_S * 1.5)
    assert call.turns.committed.empty()
    await call.speech(False)
    await call.final("and two grown-ups.")
    assert await call.commit() == "We are six children and two grown-ups."


@pytest.mark.parametrize("asks", [True, False])
async def test_half_a_turn_is_not_committed_while_its_rest_is_not_final(asks: bool) -> None:
    """The framework would commit the final half: that it still does without `ask_final` is why there is one."""
    asked = asyncio.Event()
    call = Call(WordDetector(ask_final=asked.set if asks else None), max_delay_s=30.0)
    await call.says("I would like to.")
    await call.speech(True)
    call.detector.heard("book a table.", "en")
    await call.speech(False)
    if not asks:
        assert await call.commit() == "I would like to."
        return
    async with asyncio.timeout(20):
        await asked.wait()
    await asyncio.sleep(MIN_DELAY_S * 2)
    assert call.turns.committed.empty()
    await call.final("Book a table.")
    assert await call.commit() == "I would like to. Book a table."
