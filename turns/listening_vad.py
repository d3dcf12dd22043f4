"""A VAD that tells the framework of the caller's sounds over the agent's voice only when they are interruptions."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from livekit import rtc
from livekit.agents import vad
from livekit.agents.utils import aio

from turns.interruption_gate import Hearing

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents import AgentSession

    from turns.interruption_gate import InterruptionGate

HANDOVER_S = 0.3
"""The agent's sound is held so much longer once the framework has been told: it then holds it itself."""


def agent_is_heard(session: AgentSession[Any]) -> bool:
    """Whether the agent speaks, or would if a sound of the caller's had not paused it."""
    if session.agent_state == "speaking":
        return True
    speech = session.current_speech
    return session.agent_state == "listening" and speech is not None and not speech.interrupted and not speech.done()


class ListeningVAD(vad.VAD):
    """`inner` behind `gate`, for one call.

    `hold` and `release` let the agent's sound stand still and go on; both are called from the loop, must not block, and
    may come twice. START and END of speech stay in pairs, each window is told, those of hidden speech as silence.
    """

    def __init__(
        self,
        inner: vad.VAD,
        gate: InterruptionGate,
        *,
        hold: Callable[[], object],
        release: Callable[[], object],
    ) -> None:
        super().__init__(capabilities=inner.capabilities)
        self.inner = inner
        self.gate = gate
        self.hold = hold
        self.release = release

    @property
    def model(self) -> str:
        return self.inner.model

    @property
    def provider(self) -> str:
        return self.inner.provider

    @property
    def min_silence_duration(self) -> float | None:
        """Seconds; the framework asks for it where its turn detector needs a least one."""
        return getattr(self.inner, "min_silence_duration", None)

    def stream(self) -> ListeningStream:
        return ListeningStream(self)


class ListeningStream(vad.VADStream):
    """Made by `ListeningVAD.stream`."""

    def __init__(self, listening: ListeningVAD) -> None:
        self._listening = listening
        self._inner = listening.inner.stream()
        self._begun: vad.VADEvent | None = None
        self._newest: vad.VADEvent | None = None
        self._told = False
        self._handover_s = 0.0
        self._pushed_s = 0.0
        super().__init__(listening)

    async def _main_task(self) -> None:
        feeding = asyncio.create_task(self._feed(), name="listening-vad")
        try:
            async for event in self._inner:
                self._judge(event)
        finally:
            await aio.cancel_and_wait(feeding)
            await self._inner.aclose()
            self._listening.gate.ends()
            self._listening.release()

    async def _feed(self) -> None:
        async for item in self._input_ch:
            if isinstance(item, rtc.AudioFrame):
                self._inner.push_frame(item)
                self._pushed_s += item.duration
                self._hear(item)
            else:
                self._inner.flush()
                self._pushed_s = 0.0
                self._told = False  # the framework ends the segment itself
                self._close_gate()
        self._inner.end_input()

    def _hear(self, frame: rtc.AudioFrame) -> None:
        gate = self._listening.gate
        before = gate.hearing
        now = gate.frame(np.frombuffer(frame.data, dtype=np.int16), frame.sample_rate)
        self._hand_over(frame.duration)
        if now is before:
            return
        if now is Hearing.HIDDEN:
            self._listening.release()
        else:
            self._listening.hold()
        if now is Hearing.OPEN:
            self._handover_s = HANDOVER_S
            self._tell_late()

    def _judge(self, event: vad.VADEvent) -> None:
        gate = self._listening.gate
        if event.type is vad.VADEventType.INFERENCE_DONE:
            self._newest = event
            self._event_ch.send_nowait(_silent(event) if gate.hides else event)
        elif event.type is vad.VADEventType.START_OF_SPEECH:
            self._begun, hearing = event, gate.begins(max(self._pushed_s - event.timestamp, 0.0))
            if hearing is Hearing.OPEN:
                self._tell(event)
            elif hearing is Hearing.HELD:
                self._listening.hold()
        else:
            self._close_gate()
            if self._told:
                self._event_ch.send_nowait(event)
            self._told = False

    def _close_gate(self) -> None:
        if self._listening.gate.ends() is not Hearing.OPEN:
            self._listening.release()

    def _tell(self, start: vad.VADEvent) -> None:
        self._told = True
        self._event_ch.send_nowait(start)

    def _tell_late(self) -> None:
        """The start that was kept back, dated now, and the newest window, so that the framework acts on it at once."""
        if self._begun is None or self._newest is None:
            return
        newest = self._newest
        start = replace(
            self._begun,
            samples_index=newest.samples_index,
            timestamp=newest.timestamp,
            speech_duration=newest.speech_duration,
        )
        self._tell(start)
        self._event_ch.send_nowait(newest)

    def _hand_over(self, passed_s: float) -> None:
        if self._handover_s > 0:
            self._handover_s -= passed_s
            if self._handover_s <= 0:
                self._listening.release()


def _silent(event: vad.VADEvent) -> vad.VADEvent:
    return replace(event, speaking=False, speech_duration=0.0, raw_accumulated_speech=0.0)
