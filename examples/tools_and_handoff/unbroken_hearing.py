"""A handoff that keeps the STT's stream: no new connection to it, and no word of the caller's lost on the way."""

from __future__ import annotations

import functools
from typing import Any, cast

from livekit.agents import Agent

from turns.voice_agent import VoiceAgent


class HearsOn(VoiceAgent):
    """Between two of these the framework hands the open stream over; it closes it for any other `VoiceAgent`.

    It looks whether both classes have `Agent.stt_node` itself, since a node that somebody overrides may hold on to its
    agent. The one of `VoiceAgent` does not: it belongs to the call. So the class has the plain node, and each instance
    the short way.
    """

    stt_node = cast("Any", Agent.stt_node)

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        vars(self)["stt_node"] = functools.partial(VoiceAgent.stt_node, self)
