"""The parts of the turn path in one line: what the switches put in, and what each event does on its way."""

from __future__ import annotations

import asyncio
import gc
import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import AgentSession, LanguageCode
from livekit.agents.llm import ChatContext
from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType

from sim.speech.library import load_speech
from turns.listening_vad import ListeningVAD
from turns.openers import Openers, Speaker
from turns.profiles import turn_profile
from turns.turn_path import TurnPath, path_of
from turns.vad import VadFactory

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable

    from tests.conftest import MakeSettings
    from utils.audio import Pcm

INTERIM, FINAL = SpeechEventType.INTERIM_TRANSCRIPT, SpeechEventType.FINAL_TRANSCRIPT
PREFLIGHT, END = SpeechEventType.PREFLIGHT_TRANSCRIPT, SpeechEventType.END_OF_SPEECH
RATE_HZ = 24_000


async def spoken(_: str) -> Pcm:
    return np.full(RATE_HZ // 10, 8000, dtype=np.int16)


SPEAKER = Speaker("voice", "model", spoken)


def path_for(make_settings: MakeSettings, *, asked: list[str] | None = None, **fields: Any) -> TurnPath:
    settings = make_settings(**fields)
    told: list[str] = [] if asked is None else asked
    return TurnPath(
        settings, turn_profile(settings), speaker=SPEAKER, openers=None, ask_final=lambda: told.append("asked")
    )


def event(kind: SpeechEventType, text: str = "") -> SpeechEvent:
    return SpeechEvent(type=kind, alternatives=[SpeechData(LanguageCode("en"), text)] if text else [])


def asked_for_the_time() -> list[rtc.AudioFrame]:
    """A recorded question and 300 ms of silence."""
    pcm = np.concatenate([load_speech()["time"].pcm, np.zeros(16 * 300, np.int16)])
    return [rtc.AudioFrame(pcm[at : at + 160].tobytes(), 16_000, 1, 160) for at in range(0, len(pcm) - 159, 160)]


async def heard_by(path: TurnPath, audio: list[rtc.AudioFrame], events: list[SpeechEvent]) -> list[SpeechEvent]:
    """What the framework sees of `events`, which come once all of `audio` was heard."""

    async def microphone() -> AsyncGenerator[rtc.AudioFrame]:
        for frame in audio:
            yield frame

    async def listen(frames: AsyncIterable[rtc.AudioFrame]) -> AsyncGenerator[SpeechEvent]:
        async for _ in frames:
            pass
        for each in events:
            yield each
        await asyncio.sleep(0.3)  # the stream is still open: whoever wants to speak now may

    async with asyncio.timeout(10):
        return [each async for each in path.hear(microphone(), listen)]


async def test_words_that_stand_in_silence_begin_a_reply(make_settings: MakeSettings) -> None:
    """The gate has heard the caller fall quiet: the interim words come out as a preflight."""
    path = path_for(make_settings)
    seen = await heard_by(path, asked_for_the_time(), [event(INTERIM, "What time is it?")])
    assert [each.type for each in seen] == [PREFLIGHT]


async def test_without_speculation_events_pass_as_they_are(make_settings: MakeSettings) -> None:
    """SPECULATION=false."""
    path = path_for(make_settings, speculation=False)
    events = [event(INTERIM, "What time"), event(FINAL, "What time is it?"), event(END)]
    assert await heard_by(path, asked_for_the_time(), events) == events
    assert path.speculation is None


@pytest.mark.parametrize(("profile", "begun"), [("fast", True), ("production", False), ("steady", False)])
async def test_an_open_phrase_is_begun_on_by_fast_alone(make_settings: MakeSettings, profile: str, begun: bool) -> None:
    """What will go on is not worth an LLM call, unless the gap is worth more than the calls."""
    path = path_for(make_settings, profile=profile)
    seen = await heard_by(path, asked_for_the_time(), [event(INTERIM, "I would like to book a table and")])
    assert (PREFLIGHT in [each.type for each in seen]) is begun


async def test_the_detector_knows_the_newest_words(make_settings: MakeSettings) -> None:
    """Complete final words end the turn, open ones do not, and interim ones are asked for first."""
    asked: list[str] = []
    path = path_for(make_settings, asked=asked)
    assert path.detector is not None
    said = ChatContext()
    said.add_message(role="user", content="What time is it?")
    await heard_by(path, [], [event(FINAL, "What time is it?")])
    assert await path.detector.predict_end_of_turn(said) == 1.0
    await heard_by(path, [], [event(INTERIM, "and")])
    assert await path.detector.predict_end_of_turn(said) == 0.0
    assert asked == []
    await heard_by(path, [], [event(INTERIM, "Thank you.")])
    assert await path.detector.predict_end_of_turn(said) == 0.0
    assert asked == ["asked"]
    await heard_by(path, [], [event(END)])
    assert await path.detector.predict_end_of_turn(said) == 1.0


@pytest.mark.parametrize("mode", ["vad", "stt", "model"])
def test_another_turn_detection_has_no_detector_of_words(make_settings: MakeSettings, mode: str) -> None:
    """TURN_DETECTION."""
    assert path_for(make_settings, turn_detection=mode).detector is None


async def test_a_committed_turn_gives_the_next_one_its_budget(make_settings: MakeSettings) -> None:
    """The session tells of the caller's message: a turn is over, and what it cost is counted."""
    path = path_for(make_settings)
    session = AgentSession[None]()
    path.attach(session)
    assert path_of(session) is path
    await heard_by(path, asked_for_the_time(), [event(INTERIM, "What time is it?")])
    chat = ChatContext()
    session._conversation_item_added(chat.add_message(role="user", content="What time is it?"))  # pyright: ignore[reportPrivateUsage]  # as the framework does it
    assert path.speculation is not None
    counts = path.speculation.counts
    assert (counts.turns, counts.begun, counts.kept, counts.calls_a_turn) == (1, 1, 1, 1.0)
    await session.aclose()


async def test_a_session_without_a_path_has_none() -> None:
    """An agent of this project in another program."""
    assert path_of(AgentSession[None]()) is None


async def live(words: AsyncIterable[str]) -> AsyncGenerator[rtc.AudioFrame]:
    """200 ms of silence and 100 ms of sound, once there are words."""
    if "".join([word async for word in words]).strip():
        for samples in (np.zeros(RATE_HZ // 5, np.int16), np.full(RATE_HZ // 10, 8000, np.int16)):
            yield rtc.AudioFrame(samples.tobytes(), RATE_HZ, 1, len(samples))


async def reply(*parts: str) -> AsyncGenerator[str]:
    for part in parts:
        yield part


async def sound_ms(frames: AsyncIterable[rtc.AudioFrame]) -> float:
    return sum([frame.duration async for frame in frames]) * 1000


@pytest.mark.parametrize(("trimmed", "expected_ms"), [(True, 110), (False, 300)])
async def test_the_silence_before_a_reply_is_cut(
    make_settings: MakeSettings, trimmed: bool, expected_ms: float
) -> None:
    """TRIM_REPLIES: all but 10 ms of it."""
    path = path_for(make_settings, trim_replies=trimmed)
    assert await sound_ms(path.speak(reply("Hello."), live, last_reply="")) == pytest.approx(expected_ms, abs=1)


async def test_a_known_opener_is_played_from_memory(make_settings: MakeSettings) -> None:
    """Its 100 ms come before the live speech has anything to say; after the same reply it is spoken live."""
    openers = Openers()
    await openers.fill(["Of course."], SPEAKER)
    settings = make_settings()
    path = TurnPath(settings, turn_profile(settings), speaker=SPEAKER, openers=openers, ask_final=lambda: None)
    await sound_ms(path.speak(reply("Of course. ", "We are open."), live, last_reply="Hello."))
    await sound_ms(path.speak(reply("Of course. ", "Until six."), live, last_reply="Of course. We are open."))
    assert (openers.hits, openers.repeats) == (1, 1)


async def test_an_ended_session_is_freed(make_settings: MakeSettings) -> None:
    """The path knows its session, also by way of its call, and the table knows both: neither keeps it."""
    session = AgentSession[None]()
    settings = make_settings()
    path = TurnPath(
        settings, turn_profile(settings), speaker=SPEAKER, openers=None, ask_final=lambda held=session: held
    )
    path.attach(session)
    await session.aclose()
    freed = weakref.ref(session)
    del session, path
    gc.collect()
    assert freed() is None


@dataclass
class Speech:
    """As much of a `SpeechHandle` as is looked at."""

    modality: str = "audio"
    interrupted: bool = False
    allow_interruptions: bool = True

    @property
    def input_details(self) -> Speech:
        return self

    def interrupt(self) -> None:
        self.interrupted = True


@dataclass
class Session:
    """As much of an `AgentSession` as is looked at; the caller speaks while a reply is held back."""

    current_speech: Speech
    user_state: str = "speaking"
    agent_state: str = "thinking"

    def on(self, *_: object) -> None:
        """Takes handlers, calls none."""

    def __hash__(self) -> int:
        return id(self)


@pytest.mark.parametrize(
    ("session", "withdrawn"),
    [
        (Session(Speech()), True),
        (Session(Speech(), agent_state="speaking"), False),
        (Session(Speech(), user_state="listening"), False),
        (Session(Speech(modality="text")), False),
        (Session(Speech(allow_interruptions=False)), False),
    ],
    ids=["held back", "heard already", "late words of the turn itself", "the greeting", "not to be interrupted"],
)
async def test_a_reply_to_half_a_question_is_withdrawn(
    make_settings: MakeSettings, session: Any, withdrawn: bool
) -> None:
    """The caller goes on before its first sound: it would answer what they did not ask, and delay what they did."""
    path = path_for(make_settings, speculation=False)
    path.attach(session)
    await heard_by(path, [], [event(INTERIM, "and for four people")])
    assert session.current_speech.interrupted is withdrawn


@pytest.mark.parametrize("on", [True, False])
async def test_the_vad_is_behind_the_gate(make_settings: MakeSettings, on: bool) -> None:
    """IGNORE_BACKCHANNELS: the session gets a VAD that hides noise, or the plain one."""
    path = path_for(make_settings, ignore_backchannels=on)
    plain = VadFactory(turn_profile(make_settings())).make()
    assert isinstance(path.listening(plain, hold=lambda: None, release=lambda: None), ListeningVAD) is on
