"""A call that one agent hands to another, in the same room and on the same track, without a silence between them.

The framework closes the first agent, then starts the second, which then may think about what to say. Here all that
takes time happens before or beside: the first agent says that it hands over while the second one's voice and first
words get ready; those are played from memory, and while they play, the second one's LLM answers the caller's last
words.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from livekit.agents import Agent
from livekit.agents.llm import ChatMessage, ToolResult

from examples.tools_and_handoff.errands import ErrandAgent
from examples.tools_and_handoff.unbroken_hearing import HearsOn

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable

    from livekit import rtc
    from livekit.agents import ErrorEvent, ModelSettings, RunContext
    from livekit.agents.llm import ChatContext

    from examples.tools_and_handoff.second_voice import SecondVoice
    from prewarm.greeting import Spoken

STAYED = "The caller spoke before they were put through, and was not."


class Colleague(HearsOn, ErrandAgent):
    """An agent that a call can be handed to. Without `voice` it has the call's own.

    `first_words` are what the caller is told before the first answer; None where the call begins with this agent, and
    the orchestrator greets.
    """

    def __init__(self, *, first_words: str | None = None, voice: SecondVoice | None = None, **options: Any) -> None:
        if voice is not None:
            options["tts"] = voice.take()
        super().__init__(**options)
        self._first_words = first_words
        self._voice = voice
        self.sound: Spoken | None = None
        """Of the first words, if they need not be spoken now."""

    async def on_enter(self) -> None:
        if self._first_words is None:
            return
        if self._voice is not None:
            self.session.on("error", self._on_error)
        if self.sound is None:
            self.session.say(self._first_words)
        else:
            self.session.say(self._first_words, audio=self.sound.frames())
        self.session.generate_reply()  # the LLM begins now, its words wait for the first ones to end

    async def on_exit(self) -> None:
        await super().on_exit()
        if self._first_words is not None and self._voice is not None:
            self.session.off("error", self._on_error)

    def tts_node(self, text: AsyncIterable[str], model_settings: ModelSettings) -> AsyncGenerator[rtc.AudioFrame]:
        if self._voice is None:
            return super().tts_node(text, model_settings)
        live = functools.partial(Agent.default.tts_node, self, model_settings=model_settings)
        return self._voice.speak(text, live, last_reply=self._last_reply())

    def _on_error(self, event: ErrorEvent) -> None:
        """The orchestrator replaces the call's own voice; for this one the call's own steps in."""
        if self._voice is None or event.source is not self.tts or getattr(event.error, "recoverable", False):
            return
        self.session.off("error", self._on_error)
        self._voice.mark_broken("it failed in a call")
        self._voice = None
        self.update_options(tts=self.session.tts)


async def hand_over(
    context: RunContext[Any], words: str, make: Callable[[ChatContext], Colleague], voice: SecondVoice | None
) -> Colleague | ToolResult:
    """For a tool to return: the colleague whom the call goes to, made with the conversation up to now.

    `words` are said unless the LLM has said something of its own. If the caller speaks meanwhile, the call stays.
    """
    if voice is not None:
        voice.take()  # it opens its connection while the words are said
    await context.wait_for_playout()
    speech = context.speech_handle
    announced = None if any(isinstance(item, ChatMessage) for item in speech.chat_items) else context.session.say(words)
    sound = None if voice is None else await voice.first_words()
    if announced is not None:
        # Here and not behind the tool: from its return on, the framework hears no new turn of the caller's.
        await announced
    if speech.interrupted or (announced is not None and announced.interrupted):
        return ToolResult(STAYED, reply_required=False)
    colleague = make(up_to_the_caller(context.session.current_agent.chat_ctx))
    colleague.sound = sound
    return colleague


def up_to_the_caller(conversation: ChatContext) -> ChatContext:
    """What was said, to the caller's last words: those are what a colleague answers."""
    carried = conversation.copy(
        exclude_instructions=True, exclude_function_call=True, exclude_handoff=True, exclude_config_update=True
    )
    while carried.items and not (isinstance(last := carried.items[-1], ChatMessage) and last.role == "user"):
        carried.items.pop()
    return carried
