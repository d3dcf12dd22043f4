"""The agent's end of the line in one call: silent until it is open, and then all ears for keys."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from examples.telephony.dtmf import Entry, EntryRules, Keypad
from examples.telephony.line import Line, PhoneCall, phone_call
from examples.telephony.numbers import masked
from examples.telephony.ringing_output import RingingOutput
from examples.telephony.voicemail import Answer
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from livekit import rtc
    from livekit.agents import AgentSession, JobContext

    from examples.telephony.voicemail import AnswerDetector

log = get_logger("phone")

MISSED = "no caller"  # the core's own word: it closes the room then


class DeskLine:
    """Made when the agent enters, before it speaks; `aclose` ends all of it.

    `typed` is told each entry that nobody asked for.
    """

    def __init__(
        self,
        session: AgentSession[None],
        context: JobContext,
        detector: AnswerDetector,
        message: str,
        *,
        typed: Callable[[Entry], Awaitable[None]],
    ) -> None:
        self.call: PhoneCall | None = None
        self.keypad: Keypad | None = None
        self._session = session
        self._context = context
        self._detector = detector
        self._message = message
        self._typed = typed
        self._line = Line(context.room)
        self._asked: asyncio.Future[Entry] | None = None
        self._reader: asyncio.Task[Any] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        if session.output.audio is not None:
            session.output.audio = RingingOutput(session.output.audio, self._line.open)
        self._line.open.add_done_callback(self._opened)
        self._line.missed.add_done_callback(self._missed)
        context.add_shutdown_callback(self.aclose)
        self._start(self._line.look(context))

    async def read(self, rules: EntryRules) -> Entry:
        """The next entry, also one that has begun already. One at a time: an older question is answered by nothing."""
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(Entry("", "nothing", complete=False))
        self._asked = asyncio.get_running_loop().create_future()
        if self._reader is None or self._reader.done():
            self._reader = self._start(self._read(rules))
        return await self._asked

    async def aclose(self) -> None:
        """Any number of times."""
        self._line.close()
        if self.keypad is not None:
            self.keypad.close()
        ours = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not ours]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _opened(self, opened: asyncio.Future[rtc.RemoteParticipant]) -> None:
        if opened.cancelled():
            return
        participant = opened.result()
        self.call = phone_call(participant)
        self.keypad = Keypad(self._context.room, participant.identity, on_key=self._pressed)
        if self.call is None:
            return
        log.info("line open", inbound=self.call.inbound, number=masked(self.call.number), sip_call=self.call.call_id)
        if not self.call.inbound:
            self._start(self._ask_who_answered(self.call))

    def _missed(self, missed: asyncio.Future[str]) -> None:
        if not missed.cancelled():
            log.info("not answered", reason=missed.result())
            self._context.shutdown(MISSED)

    def _pressed(self, _: str) -> None:
        if self._reader is None or self._reader.done():
            self._session.interrupt()  # who types has heard enough
            self._reader = self._start(self._read(EntryRules()))

    async def _read(self, rules: EntryRules) -> None:
        assert self.keypad is not None
        entry = await self.keypad.entry(rules)
        if self._asked is not None and not self._asked.done():
            self._asked.set_result(entry)
        else:
            await self._typed(entry)

    async def _ask_who_answered(self, call: PhoneCall) -> None:
        try:
            answer = await self._detector.who_answered(self._session, call)
        except Exception as error:  # noqa: BLE001  # a detector that fails must not end the call
            log.warning("nobody knows who answered", reason=type(error).__name__)
            return
        if answer is Answer.MACHINE:
            log.info("a machine answered")
            await self._session.interrupt(force=True)
            await self._session.say(self._message, allow_interruptions=False)
            self._context.shutdown("agent")

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning(
                "the line goes on without",
                what=getattr(task.get_coro(), "__qualname__", ""),
                reason=type(error).__name__,
            )
