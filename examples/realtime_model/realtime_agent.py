"""The base class of an agent that answers by a speech-to-speech model, and by the pipeline when that is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from livekit.agents.llm import ChatMessage, RealtimeError, RealtimeModel

from examples.realtime_model.call_model import CallSession
from prewarm.recordings import recording
from turns.voice_agent import VoiceAgent
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from livekit.agents import ConversationItemAddedEvent
    from livekit.agents.llm import ChatContext, RealtimeModelError

    from examples.realtime_model.call_model import CallModel

log = get_logger("realtime")


class RealtimeAgent(VoiceAgent):
    """Give it a model, and it hears, thinks and speaks; without one it is a `VoiceAgent` on the call's pipeline.

    `spare` makes the agent that goes on when the model is lost for good: one without a model, with the words so far.
    """

    def __init__(
        self,
        *,
        instructions: str,
        model: CallModel | None,
        spare: Callable[[ChatContext], RealtimeAgent],
        chat_ctx: ChatContext | None = None,
    ) -> None:
        self._spare = spare
        self._is_spare = model is None and chat_ctx is not None
        self._line: CallSession | None = None
        self._owed = False
        self._lost_words = False
        self._tasks: set[asyncio.Task[None]] = set()
        if model is None:
            super().__init__(instructions=instructions, chat_ctx=chat_ctx)
        else:
            # The model hears and takes turns itself. The call's TTS stays: it would read out an answer in writing.
            super().__init__(
                instructions=instructions,
                chat_ctx=chat_ctx,
                llm=model,
                stt=None,
                vad=None,
                turn_handling={"turn_detection": "realtime_llm"},
            )

    async def on_enter(self) -> None:
        if self._is_spare:
            self._apologize()
        if not isinstance(self.llm, RealtimeModel):
            return
        line = self.realtime_llm_session
        assert isinstance(line, CallSession)
        self._line = line
        line.on("input_speech_started", self._on_speech)
        line.on("generation_created", self._on_answer)
        line.on("error", self._on_trouble)
        line.on("session_reconnected", self._on_reconnected)
        self.session.on("conversation_item_added", self._on_item)
        self._start(self._watch(line))

    async def on_exit(self) -> None:
        if self._line is not None:
            self._line.off("input_speech_started", self._on_speech)
            self._line.off("generation_created", self._on_answer)
            self._line.off("error", self._on_trouble)
            self._line.off("session_reconnected", self._on_reconnected)
            self.session.off("conversation_item_added", self._on_item)
        ours = asyncio.current_task()
        for task in self._tasks - {ours}:
            task.cancel()
        await asyncio.gather(*(self._tasks - {ours}), return_exceptions=True)

    # ---- what the model has to know -----------------------------------------------------------------------

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if isinstance(item, ChatMessage) and item.role == "assistant":
            self._start(self._tell_model(item))

    async def _tell_model(self, said: ChatMessage) -> None:
        """The greeting came from memory: without this the model would not know that it has greeted, and with what."""
        line = self._line
        if line is None or line.gone.is_set() or line.chat_ctx.get_by_id(said.id) is not None:
            return
        context = line.chat_ctx.copy()
        context.items.append(said)
        try:
            await line.update_chat_ctx(context)
        except RealtimeError as error:
            log.warning("the model was not told what was said for it", reason=str(error))

    # ---- what goes wrong ----------------------------------------------------------------------------------

    def _on_speech(self, _: object) -> None:
        self._owed = True

    def _on_answer(self, _: object) -> None:
        self._owed = False

    def _on_trouble(self, error: RealtimeModelError) -> None:
        log.warning("the model's connection has failed", reason=type(error.error).__name__)
        if self._line is not None and (self._owed or self._line.has_active_generation):
            self._lost_words = True

    def _on_reconnected(self, _: object) -> None:
        lost, self._lost_words, self._owed = self._lost_words, False, False
        if lost:
            self._apologize()

    async def _watch(self, line: CallSession) -> None:
        await line.gone.wait()
        log.error("the model is lost, the pipeline goes on", model=line.realtime_model.model)
        self.session.update_agent(self._spare(self.chat_ctx.copy()))

    def _apologize(self) -> None:
        sorry = recording("sorry")
        self.session.say(sorry.text, audio=sorry.frames())

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
