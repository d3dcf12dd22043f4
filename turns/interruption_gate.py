"""Is what the caller does while the agent speaks an interruption? Pure: sound and words in, a verdict out.

Nothing tells "okay" from "wait" in its first tenth of a second, and a caller who interrupts wants silence by then. So
the agent's sound is held first and judged after: where the caller's sound is soon over, or a hum, it goes on from where
it was held, after a pause like one between two words. What goes on holds it until there are words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from turns.backchannels import is_backchannel
from turns.sound_shape import SoundShape

if TYPE_CHECKING:
    from collections.abc import Callable

    from utils.audio import Pcm

HOLD_AT_S = 0.10
"""Of sound. The ways from the caller and back take another 0.11 s, and a quarter second is the limit."""
SURE_AFTER_S = 0.064
"""Of speech, the detector says that it is some; what came before, as the burst of a cough, does not count."""
HUM_AT_S = 0.3
"""Of sound: "me" and "who" begin like a hum."""
OVER_S = 0.03
"""Quiet after which a sound is over. A "t" or "k" within a word can be longer: then words decide."""
WORDS_LATE_S = 0.45
"""After a sound's end: a recogniser that heard words in it has sent some by then."""
LONG_S = 1.2
"""A sound that has held the agent for so long is told to the framework, words or not."""


class Hearing(Enum):
    """What becomes of the sound that is heard now."""

    OPEN = "the framework hears it"
    HIDDEN = "the agent goes on, the framework does not hear it"
    HELD = "the agent's sound stands still until there is a verdict"


@dataclass
class GateCounts:
    """Sounds over the agent's voice so far."""

    held: int = 0
    released: int = 0
    """Of them: no interruptions."""
    opened: int = 0
    """Interruptions."""


class InterruptionGate:
    """Fed with all of the caller's frames, the detector's verdicts on them, and the STT's words. Seconds of audio.

    `min_duration_s`: a shorter sound is no interruption until its words say so. `min_words`: so many words, not
    backchannels alone, are needed; with more than 0 the sound alone does not hold the agent.
    """

    def __init__(self, agent_speaking: Callable[[], bool], *, min_duration_s: float, min_words: int = 0) -> None:
        if min_duration_s < 0:
            raise ValueError(f"min_duration_s: must be >= 0, got {min_duration_s}")
        if min_words < 0:
            raise ValueError(f"min_words: must be >= 0, got {min_words}")
        self.counts = GateCounts()
        self.hearing = Hearing.OPEN
        self._agent_speaking = agent_speaking
        self._min_duration_s = min_duration_s
        self._min_words = min_words
        self._shape = SoundShape()
        self._speaking = False
        self._is_judged = False
        self._began_at_s = 0.0
        self._held_at_s = 0.0
        self._words = ""

    @property
    def hides(self) -> bool:
        """Whether the framework may not hear the sound of now, be it speech already or not."""
        return self.hearing is not Hearing.OPEN or (not self._speaking and self._agent_speaking())

    def frame(self, pcm: Pcm, rate_hz: int) -> Hearing:
        """10 ms of the caller, int16 mono."""
        self._shape.push(pcm, rate_hz, same=self._speaking)
        if not self._speaking or self.hearing is Hearing.OPEN:
            return self.hearing
        if not self._agent_speaking():
            self.hearing = Hearing.OPEN
        elif self._are_for_agent() or self._is_long():
            self.hearing = Hearing.OPEN
            self.counts.opened += 1
        elif self.hearing is Hearing.HELD:
            if self._is_nothing():
                self.hearing = Hearing.HIDDEN
                self.counts.released += 1
        elif not self._is_judged:
            self._hold()
        return self.hearing

    def begins(self, lag_s: float = 0.0) -> Hearing:
        """The detector says that there is speech, `lag_s` of frames late: on a busy machine it is behind."""
        self._speaking, self._is_judged, self._words = True, False, ""
        self._began_at_s = max(self._shape.age_s - lag_s - SURE_AFTER_S, 0.0)
        self.hearing = Hearing.HIDDEN if self._agent_speaking() else Hearing.OPEN
        if self.hearing is Hearing.HIDDEN:
            self._hold()
        return self.hearing

    def ends(self) -> Hearing:
        """The detector says that speech is over; returns what it was heard as."""
        was, self.hearing = self.hearing, Hearing.OPEN
        self.counts.released += was is Hearing.HELD
        self._speaking = False
        return was

    def said(self, text: str) -> None:
        """Words of the STT, not final ones too; the verdict follows with the next frame."""
        if self._speaking:
            self._words = text

    def _hold(self) -> None:
        shape = self._shape
        if self._min_words > 0 or shape.quiet_s >= OVER_S:
            self._is_judged = True
        elif shape.age_s >= HOLD_AT_S - 1e-9:
            self._is_judged, self._held_at_s = True, shape.age_s
            self.hearing = Hearing.HELD
            self.counts.held += 1

    def _are_for_agent(self) -> bool:
        return len(self._words.split()) >= max(self._min_words, 1) and not is_backchannel(self._words)

    def _is_long(self) -> bool:
        return self.hearing is Hearing.HELD and self._shape.age_s - self._held_at_s >= LONG_S

    def _is_nothing(self) -> bool:
        shape = self._shape
        speech_s = shape.loud_s - self._began_at_s
        if shape.quiet_s >= OVER_S and (self._words or speech_s < self._min_duration_s):
            return True  # were the words for the agent, the gate were open
        return shape.quiet_s >= WORDS_LATE_S or (shape.age_s >= HUM_AT_S and shape.is_hum)
