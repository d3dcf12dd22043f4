"""The base class of an agent on the phone: an `Agent` of livekit whose hooks take the short way to a reply."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from livekit.agents import Agent
from livekit.agents.llm import ChatMessage

from turns.turn_path import path_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable

    from livekit import rtc
    from livekit.agents import ModelSettings
    from livekit.agents.llm import ChatContext
    from livekit.agents.stt import SpeechEvent


class VoiceAgent(Agent):
    """Derive from it instead of `Agent`; in a session of another program it is an `Agent` like any other.

    A hook that you override yourself is yours: call `super()` in it to keep what this one does.
    """

    def stt_node(
        self, audio: AsyncIterable[rtc.AudioFrame], model_settings: ModelSettings
    ) -> AsyncGenerator[SpeechEvent]:
        listen = functools.partial(Agent.default.stt_node, self, model_settings=model_settings)
        path = path_of(self.session)
        return listen(audio) if path is None else path.hear(audio, listen)

    def tts_node(self, text: AsyncIterable[str], model_settings: ModelSettings) -> AsyncGenerator[rtc.AudioFrame]:
        live = functools.partial(Agent.default.tts_node, self, model_settings=model_settings)
        path = path_of(self.session)
        return live(text) if path is None else path.speak(text, live, last_reply=self._last_reply())

    async def on_user_turn_completed(self, turn_ctx: ChatContext, new_message: ChatMessage) -> None:
        path = path_of(self.session)
        if path is not None:
            path.turn_over(turn_ctx)

    def _last_reply(self) -> str:
        for item in reversed(self.chat_ctx.items):
            if isinstance(item, ChatMessage) and item.role == "assistant":
                return item.text_content or ""
        return ""
