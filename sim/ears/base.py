"""What every listener can do, and the small values that it speaks in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

Samples = npt.NDArray[np.int16]

EARS_RATE_HZ = 16_000


@dataclass(frozen=True, slots=True)
class Word:
    """A word as it stands in a final transcript; times in ms since the stream began.

    `end_ms` lies after the audio heard so far when the word is still being spoken.
    """

    text: str
    start_ms: float
    end_ms: float
    language: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Activity:
    """Sound and silence so far; times in ms since the stream began."""

    heard_ms: float
    speaking: bool
    """True from a sound's beginning until 200 ms after its end."""
    last_sound_ms: float | None
    """The end of the last sound, None before the first."""


class Ears(Protocol):
    """Listens to one stream of int16 mono samples at 16 kHz."""

    @property
    def activity(self) -> Activity: ...

    def feed(self, pcm: Samples) -> None:
        """Hear the next block. Returns at once: slow work happens elsewhere."""
        ...

    def words(self) -> Sequence[Word]:
        """The present hypothesis in order of time: may change until it is settled."""
        ...

    async def settled(self, until_ms: float) -> Sequence[Word]:
        """The hypothesis after everything before `until_ms` has been worked through."""
        ...

    def forget(self, before_ms: float) -> None:
        """Drop what ended before: a long stream keeps only what may still change."""
        ...

    async def aclose(self) -> None:
        """Stop working. Safe to call twice."""
        ...
