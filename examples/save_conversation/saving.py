"""What a `Service` is given as its observers: an agent's conversations, saved while they go on."""

from __future__ import annotations

import asyncio
import atexit
import threading
from typing import TYPE_CHECKING, Any

from livekit.agents.llm import ChatMessage

from examples.save_conversation.entries import Began, Ended
from examples.save_conversation.heard import Heard
from examples.save_conversation.words import Words
from examples.save_conversation.writer import Writer
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from livekit.agents import AgentSession, ConversationItemAddedEvent, JobContext, UserInputTranscribedEvent

    from examples.save_conversation.backlog import Backlog
    from examples.save_conversation.database import Archive
    from examples.save_conversation.redaction import Redaction
    from observe.observer import CallRecord, TurnRecord

    Names = Callable[[JobContext], Iterable[str]]

log = get_logger("conversations")

TELL_S = 0.4
"""Between two looks at words that may still change: with the writer's pause and a busy machine less than a second."""
ARCHIVE_LIMIT_S = 3.0
LAST_LINES_LIMIT_S = 4.0  # of the 5 s that an observer has at the end of a call


class Saving:
    """The files of one folder, for all calls of this process. Nothing is opened before the first call.

    `redaction`: what is taken out of everything before it is written; `names`: who must not be named in a call.
    `archive`: gets each line that will not change, too.
    """

    def __init__(
        self,
        folder: Path,
        *,
        redaction: Redaction | None = None,
        names: Names | None = None,
        archive: Callable[[], Archive | None] | None = None,
    ) -> None:
        self._folder = folder
        self._redaction = redaction
        self._names = names
        self._archive = archive
        self._writer: Writer | None = None
        self._archived: Archive | None = None
        self._lock = threading.Lock()

    def observer(self, context: JobContext) -> ConversationSaver:
        """For the observers of one call."""
        names = tuple(self._names(context)) if self._names is not None else ()
        try:
            session = context.primary_session
        except RuntimeError:  # a call that ended before there was one
            session = None
        return ConversationSaver(self._opened(), session, self._redact(names))

    def close(self) -> None:
        """Blocks until what has ended is written, within a limit."""
        if self._writer is not None:
            self._writer.close()
        if self._archived is not None:
            self._archived.close(ARCHIVE_LIMIT_S)

    def _opened(self) -> Writer:
        with self._lock:
            if self._writer is None:
                self._archived = archive = self._archive() if self._archive is not None else None
                self._writer = Writer(self._folder, on_settled=archive.put if archive is not None else None)
                atexit.register(self.close)
            return self._writer

    def _redact(self, names: Iterable[str]) -> Callable[[str, bool], str]:
        redaction = self._redaction

        def redact(text: str, settled: bool) -> str:
            if redaction is None:
                return text
            return redaction.text(text, names) if settled else redaction.draft(text, names)

        return redact


class ConversationSaver:
    """A `CallObserver`: saves one call. What it costs the loop is a few microseconds a word."""

    def __init__(self, writer: Writer, session: AgentSession[Any] | None, redact: Callable[[str, bool], str]) -> None:
        self._writer = writer
        self._session = session
        self._redact = redact
        self._heard: Heard | None = None
        self._backlog: Backlog | None = None
        self._words: Words | None = None
        self._ticking: asyncio.TimerHandle | None = None

    async def started(self, call: CallRecord) -> None:
        began = Began(call.start.zero_s, call.call_id, call.room, call.labels.get("account", ""))
        self._backlog = self._writer.open(began, self._redact)
        self._words = Words(self._backlog.put)
        if self._session is not None:
            self._follow(self._session, call)

    async def turned(self, call: CallRecord, turn: TurnRecord) -> None:
        """What was said is known before."""

    async def ended(self, call: CallRecord) -> None:
        if self._backlog is None or self._words is None:
            return
        if self._ticking is not None:
            self._ticking.cancel()
        if self._heard is not None:
            self._heard.aclose()
        if self._session is not None:
            self._session.off("user_input_transcribed", self._on_transcribed)
            self._session.off("conversation_item_added", self._on_item)
        self._words.end()
        self._backlog.put(Ended(call.start.zero_s + call.duration_s, call.ended_by))
        self._writer.hurry()
        try:
            async with asyncio.timeout(LAST_LINES_LIMIT_S):
                await asyncio.shield(asyncio.wrap_future(self._backlog.saved))
        except TimeoutError:
            log.warning("the end of a conversation waits for its disk", limit_s=LAST_LINES_LIMIT_S)

    def _follow(self, session: AgentSession[Any], call: CallRecord) -> None:
        """From now on, and what was said before somebody listened."""
        for item in session.history.items:
            if isinstance(item, ChatMessage):
                self._settle(item)
        session.on("user_input_transcribed", self._on_transcribed)
        session.on("conversation_item_added", self._on_item)
        self._heard = Heard(session)
        first_frame_ms = call.start.get("first_frame")
        if first_frame_ms is not None and session.agent_state == "speaking":
            self._heard.already(call.start.zero_s + first_frame_ms / 1000)
        self._tick()

    def _tick(self) -> None:
        if self._words is not None and self._heard is not None:
            self._words.going_on("agent", self._heard.so_far())
            self._words.tell()
        self._ticking = asyncio.get_running_loop().call_later(TELL_S, self._tick)

    def _on_transcribed(self, event: UserInputTranscribedEvent) -> None:
        if self._words is not None:
            self._words.hear(event.transcript, final=event.is_final)

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, ChatMessage):
            self._settle(event.item)

    def _settle(self, item: ChatMessage) -> None:
        if self._words is None or item.role not in ("user", "assistant"):
            return
        who = "caller" if item.role == "user" else "agent"
        at_s = (item.metrics or {}).get("started_speaking_at")
        self._words.settle(who, item.text_content or "", interrupted=item.interrupted, at_s=at_s)
