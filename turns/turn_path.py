"""One call's way from the caller's sound to the reply's: what the hooks of `VoiceAgent` do, and what they remember."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary, ref

from livekit.agents import utils
from livekit.agents.llm import ChatMessage
from livekit.agents.stt import SpeechEventType

from turns.backchannels import WORDS, without_backchannels
from turns.completeness import Verdict, judge
from turns.interruption_gate import InterruptionGate
from turns.listening_vad import ListeningVAD, agent_is_heard
from turns.live_trim import trim_lead
from turns.opener_speech import speak_with_openers
from turns.quiet_gate import QuietGate
from turns.speculation import Speculation
from turns.speculation_budget import SpeculationBudget
from turns.speculation_stream import speculate
from turns.word_detector import WordDetector

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable

    from livekit import rtc
    from livekit.agents import AgentSession, ConversationItemAddedEvent
    from livekit.agents.llm import ChatContext
    from livekit.agents.stt import SpeechEvent
    from livekit.agents.vad import VAD

    from config import Settings
    from turns.openers import Openers, Speaker
    from turns.profiles import TurnProfile

    Listen = Callable[[AsyncIterable[rtc.AudioFrame]], AsyncIterable[SpeechEvent]]
    Live = Callable[[AsyncIterable[str]], AsyncGenerator[rtc.AudioFrame]]

NEWS = (SpeechEventType.INTERIM_TRANSCRIPT, SpeechEventType.PREFLIGHT_TRANSCRIPT)
MOST_SPECULATIONS_A_MINUTE = 20


class TurnPath:
    """Made for a call, before its session: `detector` goes into that. `attach` then joins the two.

    `openers` None: no reply begins from memory. `ask_final` makes the STT send its final words now.
    """

    def __init__(
        self,
        settings: Settings,
        profile: TurnProfile,
        *,
        speaker: Speaker,
        openers: Openers | None,
        ask_final: Callable[[], object],
    ) -> None:
        self._speaker = speaker
        self._openers = openers
        self._trim_replies = settings.trim_replies
        self._gate = QuietGate()
        self._session: AgentSession[Any] | None = None
        self._failed: int | None = None
        self.gate: InterruptionGate | None = None
        if settings.ignore_backchannels and settings.enable_interruptions:
            self.gate = InterruptionGate(
                self._agent_is_heard,
                min_duration_s=profile.interruption_min_duration_s,
                min_words=profile.interruption_min_words,
            )
        self.detector: WordDetector | None = None
        if settings.turn_detection == "words":
            self.detector = WordDetector(unknown_wait_s=profile.unknown_wait_s, ask_final=ask_final)
        self.speculation: Speculation | None = None
        if settings.speculation:
            self.speculation = Speculation(
                self._gate,
                SpeculationBudget(profile.speculations_a_turn, MOST_SPECULATIONS_A_MINUTE),
                worth=_is_not_open if profile.speculates_on_complete_only else _always,
                ready=self._is_ready,
                permit=self._permit,
                settled_quiet_s=profile.settled_quiet_s,
            )

    def attach(self, session: AgentSession[Any]) -> None:
        """For all agents of `session`, as long as it lives."""
        self._session = session
        session.on("conversation_item_added", self._on_item)  # by which the session holds its path
        _attached[session] = ref(self)

    def listening(self, inner: VAD, *, hold: Callable[[], object], release: Callable[[], object]) -> VAD:
        """The VAD that the session gets: one that tells of the caller's sounds over the agent's only if they interrupt.

        `hold` lets the agent's sound stand still, `release` lets it go on.
        """
        return inner if self.gate is None else ListeningVAD(inner, self.gate, hold=hold, release=release)

    async def hear(self, audio: AsyncIterable[rtc.AudioFrame], listen: Listen) -> AsyncGenerator[SpeechEvent]:
        """The STT's events, with begun replies among them; `listen` is the framework's own way to them."""
        events = listen(self._watched(audio))
        if self.gate is not None:
            events = without_backchannels(events, self._agent_is_heard, self.gate.said)
        events = self._noted(events)
        passed = events if self.speculation is None else speculate(events, self.speculation)
        async with aclosing(passed):
            async for event in passed:
                yield event

    @property
    def hesitations(self) -> int:
        """How often the agent's voice stood still for a sound of the caller's that was no interruption."""
        return 0 if self.gate is None else self.gate.counts.released

    def failed_early(self) -> bool:
        """A provider has failed: was that a reply begun before the turn is over? It is begun anew then, at its end."""
        session = self._session
        early = session is not None and session.current_speech is None
        self._failed = self._begun if early else None
        return early

    def turn_over(self, context: ChatContext) -> None:
        """`context` is what the framework compares with a begun reply's, before it takes that one for the turn's."""
        failed, self._failed = self._failed, None
        if failed == self._begun and context.items:
            # The same words under another name: the failed reply no longer fits, and nothing else changes.
            context.items[-1] = context.items[-1].model_copy(update={"id": utils.shortuuid("item_")})

    def speak(self, text: AsyncIterable[str], live: Live, *, last_reply: str) -> AsyncGenerator[rtc.AudioFrame]:
        """The sound of a reply; `live` is the framework's own way to it, `last_reply` what was said before."""

        def trimmed(words: AsyncIterable[str]) -> AsyncGenerator[rtc.AudioFrame]:
            return trim_lead(live(words))

        speech = trimmed if self._trim_replies else live
        if self._openers is None:
            return speech(text)
        return speak_with_openers(text, speech, self._openers, speaker=self._speaker, last_reply=last_reply)

    async def _watched(self, audio: AsyncIterable[rtc.AudioFrame]) -> AsyncGenerator[rtc.AudioFrame]:
        async for frame in audio:
            self._gate.push(frame)
            yield frame

    async def _noted(self, events: AsyncIterable[SpeechEvent]) -> AsyncGenerator[SpeechEvent]:
        # In front of the speculation, which rewrites words that are the same to the framework: a trailing "um" is not.
        async for event in events:
            if self.detector is not None:
                self._tell(self.detector, event)
            if event.type in NEWS and event.alternatives and event.alternatives[0].text:
                self._withdraw()
            yield event

    def _tell(self, detector: WordDetector, event: SpeechEvent) -> None:
        if event.type in WORDS and event.alternatives:
            words = event.alternatives[0]
            detector.heard(words.text, words.language or None, final=event.type is SpeechEventType.FINAL_TRANSCRIPT)
        elif event.type is SpeechEventType.END_OF_SPEECH:
            detector.heard("", final=True)

    def _withdraw(self) -> None:
        """A reply that nobody has heard yet, to a caller who goes on: it answers half a question, and is in the way.

        The framework holds its sound back but keeps it until the final words, and begins no other reply beside it.
        """
        session = self._session
        if session is None or session.user_state != "speaking" or session.agent_state == "speaking":
            return
        reply = session.current_speech
        if reply is not None and reply.input_details.modality == "audio" and reply.allow_interruptions:
            reply.interrupt()

    def _agent_is_heard(self) -> bool:
        session = self._session
        if session is None or not agent_is_heard(session):
            return False
        # What may not be interrupted is not held either: the framework hears all, and does nothing.
        return session.current_speech is None or session.current_speech.allow_interruptions

    @property
    def _begun(self) -> int:
        """Replies begun before their turn was over, so far; 0 without speculation."""
        return 0 if self.speculation is None else self.speculation.counts.begun

    def _is_ready(self) -> bool:
        """Whether the framework would begin a reply now."""
        speech = None if self._session is None else self._session.current_speech
        return speech is None or speech.interrupted

    def _permit(self, allowed: bool) -> None:
        if self._session is not None:
            self._session.options.preemptive_generation["enabled"] = allowed

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if self.speculation is not None and isinstance(item, ChatMessage) and item.role == "user":
            self.speculation.committed(item.text_content or "")


# Weak on both sides: a path knows its call, and would hold it here for ever.
_attached: WeakKeyDictionary[AgentSession[Any], ref[TurnPath]] = WeakKeyDictionary()


def path_of(session: AgentSession[Any]) -> TurnPath | None:
    """What was attached; None for a session that is run without the orchestrator."""
    found = _attached.get(session)
    return None if found is None else found()


def _always(_: str) -> bool:
    return True


def _is_not_open(text: str) -> bool:
    return judge(text).verdict is not Verdict.OPEN
