"""The input buffer of a Realtime session: sound in, the caller's turns out, on the audio's own clock."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sim.realtime_config import RATE_HZ, Invalid
from sim.soniox_audio import PcmDecoder, slices

if TYPE_CHECKING:
    from sim.ears.base import Ears
    from sim.realtime_config import TurnDetection

LEAST_MS = 100
FORGET_MS = 1000
"""What is older than the last commit by this is not asked for again."""


@dataclass(frozen=True)
class SpeechStarted:
    """`audio_start_ms`: with the sound before it that belongs to the turn."""

    audio_start_ms: int


@dataclass(frozen=True)
class SpeechStopped:
    """`until_ms`: where the turn's audio ends on the stream's clock."""

    audio_end_ms: int
    until_ms: float


Heard = SpeechStarted | SpeechStopped


class InputBuffer:
    """Finds the turns with the ears' own sense of sound and silence. Times in ms since the session began."""

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self._decode = PcmDecoder(RATE_HZ)
        self._begun_ms = 0.0
        self._told_ms = 0.0
        self.speaking = False

    @property
    def heard_ms(self) -> float:
        return self._ears.activity.heard_ms

    @property
    def buffered_ms(self) -> float:
        """Audio since the last commit or `clear`."""
        return self.heard_ms - self._begun_ms

    def append(self, audio: object, turns: TurnDetection | None) -> list[Heard]:
        """Hear base64 PCM; returns what it means for the turn. Raises `Invalid`."""
        try:
            data = base64.b64decode(audio, validate=True) if isinstance(audio, str) else None
        except binascii.Error:
            data = None
        if data is None:
            raise Invalid("Invalid 'audio'. Expected base64-encoded audio bytes.", param="audio")
        heard: list[Heard] = []
        for block in slices(self._decode(data)):
            self._ears.feed(block)
            if turns is not None:
                heard += self._look(turns)
        return heard

    def clear(self) -> None:
        self._begun_ms = self.heard_ms
        self._told_ms = self.heard_ms
        self.speaking = False

    def commit(self) -> float:
        """The end of the audio that becomes an item. Raises `Invalid` if there is too little of it."""
        if self.buffered_ms < LEAST_MS:
            message = (
                "Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
                f"but buffer only has {self.buffered_ms:.2f}ms of audio."
            )
            raise Invalid(message, code="input_audio_buffer_commit_empty")
        self._begun_ms = self.heard_ms
        self.speaking = False
        return self.heard_ms

    async def words(self, until_ms: float) -> str:
        """What was said since the last time this was asked."""
        words = await self._ears.settled(until_ms)
        said = [word.text for word in words if self._told_ms <= word.start_ms < until_ms]
        self._told_ms = max(self._told_ms, until_ms)
        self._ears.forget(until_ms - FORGET_MS)
        return " ".join(said)

    async def aclose(self) -> None:
        await self._ears.aclose()

    def _look(self, turns: TurnDetection) -> list[Heard]:
        activity = self._ears.activity
        if activity.speaking and not self.speaking:
            self.speaking = True
            return [SpeechStarted(round(max(activity.heard_ms - turns.prefix_ms, 0.0)))]
        quiet_ms = activity.heard_ms - (activity.last_sound_ms or 0.0)
        if self.speaking and not activity.speaking and quiet_ms >= turns.silence_ms:
            self.speaking = False
            self._begun_ms = activity.heard_ms
            return [SpeechStopped(round(activity.heard_ms), activity.heard_ms)]
        return []
