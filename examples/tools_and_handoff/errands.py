"""Tools that take time: what is said meanwhile, and what a caller who speaks into it does to them.

A tool that takes longer than `Patience.after_s` is bridged by a filler, which comes from memory when it is one of the
service's openers. The result waits for the filler's end: both go through the session's one queue of speech.

A caller who speaks while a tool works is
- overheard, if they only hum along ("okay", "mm-hm"): the work goes on, and nothing is said;
- obeyed, if they take their wish back ("never mind"): work that may be dropped is cancelled and its result not told;
- answered, whatever else they say: the work goes on, and its result follows that answer.
The framework alone cuts the tool off from its reply by any word at all, and keeps the caller waiting until it is done.
"""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from livekit.agents import StopResponse

from examples.tools_and_handoff.giving_up import gives_up
from turns.backchannels import is_backchannel
from turns.voice_agent import VoiceAgent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from contextlib import AbstractAsyncContextManager

    from livekit.agents import RunContext
    from livekit.agents.llm import ChatContext, ChatMessage
    from livekit.agents.voice import SpeechHandle

T = TypeVar("T")

GOES_ON = "The caller has said something else. Answer that; this goes on, and you will be told the result."


class Dropped(Exception):
    """The caller has taken the wish back: nothing is left to be said about it."""


@dataclass(frozen=True)
class Patience:
    """Words for a caller who waits. They tell no result and promise none."""

    fillers: Sequence[str]
    """One of them in turn, `after_s` into the work."""
    later: Sequence[str]
    """One after the other, `later_after_s` apart: work that goes on when all are said has a limit that is too long."""
    after_s: float = 0.3
    later_after_s: float = 2.0


@dataclass(eq=False)
class _Errand:
    task: asyncio.Task[Any]
    context: RunContext[Any]
    may_be_dropped: bool
    interruptible: bool
    """Whether the speech was, before."""
    spoken_to: bool = False
    """Whether the caller has been answered meanwhile: then their "yes" may be meant for that."""


class ErrandAgent(VoiceAgent):
    """An agent whose tools run their slow part by `errand`. `options` are those of `Agent`."""

    def __init__(self, *, patience: Patience, **options: Any) -> None:
        super().__init__(**options)
        self._patience = patience
        self._under_way: set[_Errand] = set()
        self._waits = 0

    async def errand(
        self, context: RunContext[Any], work: Callable[[], Awaitable[T]], *, may_be_dropped: bool = True
    ) -> T:
        """What `work` gives, or raises; `Dropped` if the caller has taken the wish back meanwhile.

        For work that changes something `may_be_dropped` is False: once begun, it is done and told.
        """
        speech = context.speech_handle
        if speech.interrupted:
            raise Dropped
        before = [errand.interruptible for errand in self._under_way if errand.context.speech_handle is speech]
        errand = _Errand(
            asyncio.ensure_future(_awaited(work)), context, may_be_dropped, any(before) or speech.allow_interruptions
        )
        self._under_way.add(errand)
        try:
            # Else any word of the caller's would cut the result off from its reply, while the work goes on.
            context.disallow_interruptions()
            async with self._bridged(context):
                await speech.wait_if_not_interrupted([errand.task])
                if speech.interrupted and may_be_dropped:
                    raise Dropped  # the call is over: no caller can interrupt it
                await asyncio.wait([errand.task])
            if errand.task.cancelled():
                raise Dropped
            return errand.task.result()
        finally:
            errand.task.cancel()
            await asyncio.gather(errand.task, return_exceptions=True)
            self._under_way.discard(errand)
            if not speech.interrupted and all(other.context.speech_handle is not speech for other in self._under_way):
                speech.allow_interruptions = errand.interruptible  # the result may be interrupted like any reply

    async def on_user_turn_completed(self, turn_ctx: ChatContext, new_message: ChatMessage) -> None:
        await super().on_user_turn_completed(turn_ctx, new_message)
        said = new_message.text_content or ""
        if is_backchannel(said) and any(not errand.spoken_to for errand in self._under_way):
            raise StopResponse
        for errand in list(self._under_way):
            if errand.may_be_dropped and gives_up(said):
                errand.task.cancel()
            elif not errand.spoken_to and not errand.task.done():
                errand.spoken_to = True
                # From here on the framework keeps the result until the answer to this turn has been said.
                await errand.context.update(GOES_ON, silent=True)

    async def on_exit(self) -> None:
        """The call ends, or goes to another agent."""
        for errand in self._under_way:
            if errand.may_be_dropped:
                errand.task.cancel()

    def _bridged(self, context: RunContext[Any]) -> AbstractAsyncContextManager[None]:
        if len(self._under_way) > 1:
            return nullcontext()  # the caller who waits for two tools is told so once
        return context.with_filler(
            self._fillers(),
            delay=self._patience.after_s,
            interval=self._patience.later_after_s,
            max_steps=1 + len(self._patience.later),
        )

    def _fillers(self) -> Callable[[int], SpeechHandle]:
        wait, self._waits = self._waits, self._waits + 1

        def speak(step: int) -> SpeechHandle:
            patience = self._patience
            words = patience.later[step - 1] if step else patience.fillers[wait % len(patience.fillers)]
            # Not for the LLM: to it, a filler behind the tool's result would be the answer.
            return self.session.say(words, add_to_chat_ctx=False)

        return speak


async def _awaited(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
