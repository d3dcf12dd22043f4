"""Which ears to take: the phrasebook for what it knows, the model for everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.speech.library import load_speech

from . import moonshine
from .phrasebook import Phrasebook, PhrasebookEars
from .utterance import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .base import Activity, Ears, Samples, Word


class PhrasebookFirst:
    """Known recordings are told by the phrasebook, exactly; other sounds by the model."""

    def __init__(self, book: Phrasebook) -> None:
        self._known: PhrasebookEars = book.ears()
        self._other = moonshine.MoonshineEars(wanted=self._is_unknown)

    def _is_unknown(self, start_ms: float) -> bool:
        return self._known.verdict_at(start_ms) is Verdict.UNKNOWN

    @property
    def activity(self) -> Activity:
        return self._known.activity

    def feed(self, pcm: Samples) -> None:
        self._known.feed(pcm)
        self._other.feed(pcm)

    def words(self) -> Sequence[Word]:
        return _in_order(self._known.words(), self._other.words())

    async def settled(self, until_ms: float) -> Sequence[Word]:
        other = await self._other.settled(until_ms)
        return _in_order(await self._known.settled(until_ms), other)

    def forget(self, before_ms: float) -> None:
        self._known.forget(before_ms)
        self._other.forget(before_ms)

    async def aclose(self) -> None:
        await self._known.aclose()
        await self._other.aclose()


def _in_order(*told: Sequence[Word]) -> list[Word]:
    return sorted((word for words in told for word in words), key=lambda word: word.start_ms)


def best_ears(phrasebook: Phrasebook | None = None) -> Callable[[], Ears]:
    """The best listeners that this machine can have: call the result once a stream.

    `phrasebook` None takes the committed recordings. Without the model (`moonshine.unavailable_reason()` says
    why) only the phrasebook is understood.
    """
    book = phrasebook or Phrasebook(load_speech().values())
    if moonshine.unavailable_reason() is not None:
        return book.ears
    return lambda: PhrasebookFirst(book)
