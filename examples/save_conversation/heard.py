"""What the caller has heard of the reply that is being spoken."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from prewarm.heard_words import FASTEST_CHARS_A_S
from prewarm.transcript import HeldTranscript
from prewarm.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Callable

    from livekit.agents import AgentSession


class Heard:
    """Follows the voice of a call. Without a `Voice` there is nothing to follow: `so_far` is empty.

    An estimate from above: by the time since it began to play, at the fastest speech there is. What is settled later is
    exact, from where the sound was broken off.
    """

    def __init__(self, session: AgentSession[None], clock_s: Callable[[], float] = time.time) -> None:
        output, words = session.output.audio, session.output.transcription
        self._voice = output if isinstance(output, Voice) else None
        self._clock_s = clock_s
        self._since_s: float | None = None
        self._has_words = True  # of the greeting, which was told before anybody listened
        if self._voice is not None:
            self._voice.on("playback_started", self._started)
            self._voice.on("playback_finished", self._finished)
        if isinstance(words, HeldTranscript):
            words.tell(self)

    def already(self, since_s: float) -> None:
        """It has been playing since `since_s`, a `time.time()`: the greeting, before anybody listened."""
        self._since_s = self._since_s or since_s

    def so_far(self) -> str:
        """The words of the first moments until now; none between two replies, and of a sound without words."""
        if self._voice is None or self._since_s is None or not self._has_words:
            return ""
        return until(self._voice.words.until(math.inf) or "", self._clock_s() - self._since_s)

    def aclose(self) -> None:
        """Stop to follow. Twice is allowed."""
        if self._voice is not None:
            self._voice.off("playback_started", self._started)
            self._voice.off("playback_finished", self._finished)
            self._voice = None

    def add_text(self, text: str) -> None:
        """The agent's words, on their way to the screen; those of a sound come before it."""
        self._has_words = True

    def end_text(self) -> None:
        """They are complete; the sound goes on."""

    def _started(self, _: object) -> None:
        self._since_s = self._clock_s()

    def _finished(self, _: object) -> None:
        self._since_s = None
        self._has_words = False


def until(text: str, elapsed_s: float) -> str:
    """Whole words, as many as can have been spoken in `elapsed_s`."""
    chars = max(0, int(elapsed_s * FASTEST_CHARS_A_S))
    end = next((place for place in range(chars, len(text)) if text[place].isspace()), len(text))
    return text[:end].rstrip()
