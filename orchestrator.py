"""What happens in one call, from dispatch to goodbye. Read it from top to bottom.

    dispatch -> room        connect, publish the agent's own voice
             -> account     who is called, and with which words they are greeted
             -> components  a lease on STT, TTS, LLM and VAD; then the session on them
             -> greeting    its audio, from memory or made now
             => the greeting waits in the voice and leaves in the moment that the caller is subscribed
             => phase 2     everything that the caller does not hear
             => turns
             => goodbye     leases back, observers told, room closed

A stage returns its expected failure as a value (`Failed`): one gather line tells the whole start, and the call goes on
without the stage where it can. An exception out of a stage is a bug.
"""

from __future__ import annotations

import asyncio
import functools
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from livekit import rtc
from livekit.agents import Agent, AgentSession, AutoSubscribe, CloseEvent, CloseReason, ErrorEvent, JobContext
from livekit.agents.voice.agent_session import SessionConnectOptions

from account_lookup import AccountLookup
from observe.call_log import CallLog
from observe.caller_audio import CallerAudio
from observe.observer import CallRecord, TurnRecord
from observe.packet_words import PacketWords
from observe.room_feed import RoomFeed
from observe.teller import Teller
from observe.timeline import Span, Timeline
from observe.turn_recorder import TurnRecorder
from prewarm.greeting import Greeting, Spoken, SynthesisFailed
from prewarm.greeting_splice import spliced, told
from prewarm.recordings import recording
from prewarm.transcript import HeldTranscript
from prewarm.voice import Audible, Voice
from turns.finalizing_stt import FinalizingSTT
from turns.handling import AEC_WARMUP_S, turn_handling
from turns.opener_speech import USERDATA_OPENER
from turns.profiles import turn_profile
from turns.room_options import room_options
from turns.spoken_text import spoken_text
from turns.turn_path import TurnPath
from utils.framework_private import job_received_at_s
from utils.greeting_text import personal_words
from utils.log_filters import error_name
from utils.logging_config import bound_call_fields, get_logger
from workshop import workshop_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Coroutine

    from livekit.agents.voice import SpeechHandle

    from prewarm.kit import Components
    from service import Brief, Service
    from utils.greeting_text import GreetingText
    from workshop import Workshop

T = TypeVar("T")

log = get_logger("call")

SERVED: WeakSet[Agent] = WeakSet()  # each holds what was said in its call, and would tell it to the next one's LLM
STAGES = 4
MAX_FAILURES = 6  # of one kind in a row; with the pauses between them, an outage of about 15 s
LONGEST_PAUSE_S = 4.0
ON_ITS_WAY_S = 0.2  # the first word left, and is heard 50 ms later: what is done now takes CPU from its way
LAST_TRANSCRIPT_S = 0.3  # the framework's 2 s keep each ended call's leases, and each drain, that much longer
GOODBYE_LIMIT_S = 30.0  # the caller may not be there to hear it
OURS = ("caller", "agent", "error", "limit", "refused", "no caller")  # ends of a call whose room is closed, too
HUNG_UP = (rtc.DisconnectReason.CLIENT_INITIATED, rtc.DisconnectReason.USER_REJECTED)


async def answer(service: Service, context: JobContext) -> None:
    """The job's entrypoint: up to the waiting greeting; the call then lives in its handlers."""
    await Call(service, context, await workshop_of(service, context)).begin()


@dataclass(frozen=True)
class Failed:
    """A stage that gave nothing, and why."""

    stage: str
    reason: str


class Call:
    """One call: its stages, its state, its end. Made at dispatch, closed by the job's shutdown."""

    def __init__(self, service: Service, context: JobContext, workshop: Workshop) -> None:
        zero_s = job_received_at_s(context) or time.time()
        self.record = CallRecord(context.job.id, context.job.room.name, Timeline(zero_s))
        self._service = service
        self._context = context
        self._workshop = workshop
        self._account = AccountLookup(service, context, workshop.kit.settings)
        self._settings = self._account.choice.settings
        self.record.labels.update(self._account.choice.labels)
        self._timeline = self.record.start
        self._voice = Voice(context.room, on_audible=self._on_audible)
        self._components: Components | None = None
        self._path: TurnPath | None = None
        self._turns: TurnRecorder | None = None
        self._teller: Teller | None = None
        self._first_word = asyncio.Event()
        self._caller_name: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._side_by_side = asyncio.Semaphore(STAGES if self._settings.parallel_stages else 1)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._packet_words = PacketWords(context.room, self._start)

    async def begin(self) -> None:
        """Start all stages at once and leave the greeting waiting at the output."""
        self._context.add_shutdown_callback(self.close)
        self._timeline.add_span("dispatch", self._timeline.zero_s, time.time())
        self._watch(self._context.room)
        with bound_call_fields(call=self.record.call_id, room=self.record.room):
            account = asyncio.create_task(self._account_stage(), name="account")
            room, session, brief, greeting = await asyncio.gather(
                self._room_stage(), self._session_stage(account), account, self._greeting_stage(account)
            )
            for stage in (room, session, greeting):
                if isinstance(stage, Failed):
                    self._note_error(stage.stage, stage.reason)
            if isinstance(room, Failed):
                self.end("no room")
            elif isinstance(session, Failed) or isinstance(greeting, Failed):
                self._start(self._say_goodbye())
            else:
                self._start(self._second_phase(session))
                if brief.max_call_s is not None:
                    self._start(self._end_at(brief.max_call_s))
                said = self._greet(session, brief.words, greeting)
                if brief.hangs_up:
                    said.add_done_callback(lambda _: self.end("refused"))

    # ---- the stages, side by side -------------------------------------------------------------------------

    @asynccontextmanager
    async def _stage(self, name: str) -> AsyncGenerator[Span]:
        async with self._side_by_side:
            with self._timeline.span(name) as span:
                yield span

    async def _room_stage(self) -> Failed | None:
        async with self._stage("room") as span:
            try:
                await self._context.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
            except Exception as error:  # noqa: BLE001  # the SDK raises bare exceptions
                span.failed = str(error)
                return Failed("room", span.failed)
            if self._settings.voice_first:
                self._voice.publish()
        for participant in self._context.room.remote_participants.values():
            self._on_joined(participant)
        return None

    async def _account_stage(self) -> Brief:
        async with self._stage("account") as span:
            brief = await self._account.find(span)
            self._settings = brief.settings or self._settings
            self.record.labels.update(brief.labels)
            return brief

    async def _session_stage(self, account: asyncio.Task[Brief]) -> AgentSession[None] | Failed:
        brief = await account
        async with self._stage("components"):
            session = self._make_session()
        async with self._stage("session") as span:
            if brief.agent in SERVED:
                span.failed = "this Agent has served another call; make a new one for each"
                return Failed("session", span.failed)
            SERVED.add(brief.agent)
            try:
                await session.start(brief.agent, room=self._context.room, room_options=room_options(self._settings))
                if (screen := session.output.transcription) is not None:
                    held = session.output.transcription = HeldTranscript(session.room_io, screen, self._voice.words)
                    self._packet_words.attach(session, held)
            except Exception as error:
                span.failed = type(error).__name__
                log.exception("the session did not start")
                return Failed("session", span.failed)
            return session

    async def _greeting_stage(self, account: asyncio.Task[Brief]) -> Spoken | Failed:
        brief = await account
        async with self._stage("greeting") as span:
            try:
                return await self._workshop.kit.first_words(brief.words.opening, self._settings)
            except SynthesisFailed as error:
                span.failed = str(error)
                return Failed("greeting", span.failed)

    def _make_session(self) -> AgentSession[None]:
        self._components = leased = self._workshop.kit.lease(self._settings)
        limits, profile = self._workshop.kit.conn_options, turn_profile(self._settings)
        speaker, openers = self._workshop.voice(self._settings)
        self._path = TurnPath(self._settings, profile, speaker=speaker, openers=openers, ask_final=self._ask_final)
        session = AgentSession[None](
            stt=leased.stt.instance,
            tts=leased.tts.instance,
            llm=leased.llm.instance,
            vad=self._path.listening(leased.vad.instance, hold=self._voice.hold, release=self._voice.release),
            turn_handling=turn_handling(self._settings, profile, self._path.detector),
            aec_warmup_duration=AEC_WARMUP_S,
            session_close_transcript_timeout=LAST_TRANSCRIPT_S,
            tts_text_transforms=[spoken_text],
            conn_options=SessionConnectOptions(limits, limits, limits, max_unrecoverable_errors=MAX_FAILURES),
        )
        self._path.attach(session)
        session.output.audio = self._voice
        session.on("close", self._on_close)
        session.on("error", functools.partial(self._on_error, session, self._path))
        return session

    def _ask_final(self) -> None:
        """Have the STT send the words that it still holds back."""
        if self._components is not None and isinstance(self._components.stt.instance, FinalizingSTT):
            self._components.stt.instance.finalize()

    # ---- the first word -----------------------------------------------------------------------------------

    def _greet(self, session: AgentSession[None], words: GreetingText, opening: Spoken) -> SpeechHandle:
        if words.personal is None:
            return self._speak(session, opening)
        personal = self._start(self._personal_part(words.personal))
        words_told, sound = told(opening, personal), spliced(opening, personal)
        return session.say(words_told, audio=sound, allow_interruptions=self._settings.enable_interruptions)

    async def _personal_part(self, words: str) -> Greeting | None:
        """What only this caller is told, spoken while the opening plays; None for a caller without a name."""
        said = personal_words(words, await self._caller_name)
        return None if said is None else await self._workshop.kit.personal(said, self._settings)

    def _speak(self, session: AgentSession[None], sound: Spoken) -> SpeechHandle:
        return session.say(sound.text, audio=sound.frames(), allow_interruptions=self._settings.enable_interruptions)

    def _on_audible(self, sound: Audible) -> None:
        self._timeline.mark("first_frame", sound.playing_at_s)
        self._timeline.mark("first_audible_sample", sound.audible_at_s)
        self._first_word.set()
        if self._turns is not None:
            self._turns.reply_audible(sound.audible_at_s, opener=USERDATA_OPENER in sound.userdata)

    # ---- phase 2: what the caller does not hear -----------------------------------------------------------

    async def _second_phase(self, session: AgentSession[None]) -> None:
        if not self._settings.defer_phase_two:
            self._listen(session)
        try:
            async with asyncio.timeout(self._settings.caller_timeout):
                await self._first_word.wait()
        except TimeoutError:
            if not self._context.room.remote_participants:
                self.end("no caller")
                return
            # One who came in the last moment is on the way to the first word, and not to be thrown out.
            await self._first_word.wait()
        if self._settings.defer_phase_two:
            await asyncio.sleep(ON_ITS_WAY_S)
            self._listen(session)
        if self._components is not None:
            self._components.warm()

    async def _end_at(self, limit_s: float) -> None:
        await asyncio.sleep(limit_s - (time.time() - self._timeline.zero_s))
        await self._say_goodbye("limit")

    def _listen(self, session: AgentSession[None]) -> None:
        if session.input.audio is not None:
            heard = CallerAudio(session.input.audio)
            session.input.audio = heard
            self._turns = TurnRecorder(heard, self._on_turn, self.record.tally)
            self._turns.attach(session)
        self._packet_words.packets.begin()
        self._teller = self._make_teller()

    def _make_teller(self) -> Teller:
        observers = [CallLog(), *(self._service.observers(self._context) if self._service.observers else ())]
        if self._settings.timeline_to_room:
            observers.append(RoomFeed(self._context.room, self._packet_words.packets))
        return Teller(self.record, observers)

    def _on_turn(self, turn: TurnRecord) -> None:
        self.record.turns.append(turn)
        if self._teller is not None:
            self._teller.turned(turn)

    # ---- what goes wrong ----------------------------------------------------------------------------------

    def _on_error(self, session: AgentSession[None], path: TurnPath, event: ErrorEvent) -> None:
        """A provider failed for good in this call: go on with another instance of it."""
        if getattr(event.error, "recoverable", False) or self._components is None:
            return
        kind = str(getattr(event.error, "type", "error"))
        reason = error_name(getattr(event.error, "error", event.error))
        self._note_error(kind, reason)
        self._start(self._replace(session, event.source, reason, pause_s=self._pause_s(kind)))
        if kind != "stt_error" and not path.failed_early():
            # The caller waits for an answer that will not come; after the STT's failure nobody waits.
            self._speak(session, recording("sorry"))

    async def _replace(self, session: AgentSession[None], broken: object, reason: str, *, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        if self._components is not None and not self.record.ended_by:
            before = self._components.providers()
            self._components.swap(broken, reason)
            after = self._components.providers()
            # Only what is new: setting a healthy STT once more would restart its stream and lose the caller's words.
            session.current_agent.update_options(
                **{kind: instance for kind, instance in after.items() if instance is not before[kind]}
            )

    def _pause_s(self, kind: str) -> float:
        """At once for the first failure of a kind, then longer: an outage of seconds must not use up the attempts."""
        failures = sum(error.startswith(kind) for error in self.record.errors)
        return 0.0 if failures <= 1 else min(2.0 ** (failures - 2), LONGEST_PAUSE_S)

    def _on_close(self, event: CloseEvent) -> None:
        if event.reason is CloseReason.ERROR:
            self._start(self._say_goodbye())
        elif event.reason is CloseReason.PARTICIPANT_DISCONNECTED:
            self.end("caller")
        else:
            # The agent's own word, or the job's end: if that has begun already, its reason stands.
            self._context.shutdown("agent")

    async def _say_goodbye(self, by: str = "error") -> None:
        """The last words need no provider: a recording, straight into the voice."""
        try:
            async with asyncio.timeout(GOODBYE_LIMIT_S):
                await self._voice.play(recording("goodbye").frames())
        except TimeoutError:
            log.warning("nobody heard the goodbye")
        self.end(by)

    def _note_error(self, stage: str, reason: str) -> None:
        self.record.errors.append(f"{stage}: {reason}")
        log.warning("stage failed", stage=stage, reason=reason, call=self.record.call_id, room=self.record.room)

    # ---- the end ------------------------------------------------------------------------------------------

    def _watch(self, room: rtc.Room) -> None:
        room.on("participant_connected", self._on_joined)
        room.on("participant_disconnected", self._on_left)
        self._voice.subscribed.add_done_callback(lambda _: self._timeline.mark("caller_subscribed"))

    def _on_joined(self, participant: rtc.RemoteParticipant) -> None:
        self._timeline.mark("caller_joined")  # the agent's news of it; the server let them in before
        self._timeline.mark("caller_came", participant.joined_at and participant.joined_at.timestamp())
        self._account.caller_came()
        self._voice.publish()
        self._packet_words.joined(participant)
        if not self._caller_name.done():
            self._caller_name.set_result(participant.name)

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        # The session ends itself for a caller whom it knows; one who leaves before that is seen only here.
        if participant.disconnect_reason in HUNG_UP and not self._context.room.remote_participants:
            self._start(self._voice.retract())  # before somebody closes the room
            self.end("caller")

    def end(self, by: str) -> None:
        """End the call. The first reason counts; closing follows by the job's shutdown."""
        if not self.record.ended_by:
            self.record.ended_by = by
            self._context.shutdown(by)

    async def close(self, reason: str = "") -> None:
        """Give everything back. Called once by the job, whatever ended it."""
        self.record.ended_by = self.record.ended_by or reason or "worker"
        self.record.duration_s = time.time() - self._timeline.zero_s
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._voice.aclose()
        if self._components is not None:
            self._components.release()
        if self._turns is not None and self._path is not None:
            self.record.tally.hesitations = self._path.hesitations
            self._turns.finish()
        with bound_call_fields(call=self.record.call_id, room=self.record.room):
            self._teller = self._teller or self._make_teller()
            await self._teller.ended()
        await self._account.ended(self.record)
        if self.record.ended_by in OURS:
            await self._context.delete_room()

    def _start(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
