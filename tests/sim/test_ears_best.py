"""Phrasebook first, the model for the rest, the phrasebook alone where there is no model."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

import pytest

from sim.ears import moonshine
from sim.ears.best import PhrasebookFirst, best_ears
from sim.ears.phrasebook import Phrasebook, PhrasebookEars
from sim.speech.library import load_speech
from tests.sim.soniox_harness import spoken

if TYPE_CHECKING:
    from sim.ears.base import Ears

REASON = moonshine.unavailable_reason()
needs_model = pytest.mark.skipif(REASON is not None, reason=str(REASON))


async def hear(ears: Ears, name: str) -> str:
    """Play a recording and settle it; return the new words."""
    begun_ms = ears.activity.heard_ms
    pcm = spoken(name)
    for start in range(0, len(pcm), 800):
        ears.feed(pcm[start : start + 800])
        await asyncio.sleep(0)
    words = await ears.settled(ears.activity.heard_ms)
    return " ".join(word.text for word in words if word.start_ms >= begun_ms)


@needs_model
async def test_known_and_unknown_speech_in_one_stream() -> None:
    """Known recordings come out exactly, others by the model, each once and in order."""
    ears = best_ears(Phrasebook([load_speech()[name] for name in ("time", "mm_hm", "cough")]))()
    assert isinstance(ears, PhrasebookFirst)
    assert await hear(ears, "time") == "What time is it?"
    assert (await hear(ears, "cancel")).lower().startswith("i would like to cancel")
    assert await hear(ears, "mm_hm") == "Mm-hm."
    assert await hear(ears, "cough") == ""
    assert await hear(ears, "time") == "What time is it?"
    words = ears.words()
    assert all(a.start_ms <= b.start_ms for a, b in itertools.pairwise(words))
    await ears.aclose()


async def test_without_the_model_the_phrasebook_works_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No model: the committed recordings are still understood."""
    monkeypatch.setattr(moonshine, "unavailable_reason", lambda: "not here")
    ears = best_ears()()
    assert isinstance(ears, PhrasebookEars)
    assert await hear(ears, "goodbye") == "Thank you, goodbye."
