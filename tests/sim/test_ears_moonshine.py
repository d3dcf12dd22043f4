"""The neural ears: real recognition of recorded speech."""

from __future__ import annotations

import asyncio
import itertools
import re
from typing import TYPE_CHECKING

import pytest

from sim.ears import moonshine
from sim.ears.moonshine import MoonshineEars
from sim.speech.library import load_speech
from tests.sim.soniox_harness import spoken

if TYPE_CHECKING:
    import numpy as np

REASON = moonshine.unavailable_reason()
needs_model = pytest.mark.skipif(REASON is not None, reason=str(REASON))


def plain(text: str) -> str:
    return re.sub(r"[^a-z ]", "", text.lower())


async def hear(ears: MoonshineEars, pcm: np.ndarray) -> None:
    for start in range(0, len(pcm), 800):
        ears.feed(pcm[start : start + 800])
        await asyncio.sleep(0)


@needs_model
def test_the_weights_are_in_the_wheel() -> None:
    """The pinned version brings the model: nothing is downloaded at run time."""
    assert moonshine.unavailable_reason() is None


@needs_model
@pytest.mark.parametrize("name", ["opening_hours", "time", "who_are_you", "cancel", "pause_800", "open_sunday"])
async def test_questions_are_understood(name: str) -> None:
    """The words of a clear English question come out, in order, with times inside the sound."""
    ears = MoonshineEars()
    await hear(ears, spoken(name))
    words = await ears.settled(ears.activity.heard_ms)
    assert plain(" ".join(word.text for word in words)) == plain(load_speech()[name].text)
    assert all(a.end_ms <= b.start_ms + 1 for a, b in itertools.pairwise(words))
    assert 300 <= words[0].start_ms < words[-1].end_ms <= 300 + load_speech()[name].duration_ms + 50
    await ears.aclose()


@needs_model
async def test_a_cough_has_no_words() -> None:
    """What the model imagines in a short noise is dropped."""
    ears = MoonshineEars()
    await hear(ears, spoken("cough"))
    assert list(await ears.settled(ears.activity.heard_ms)) == []
    await ears.aclose()


@needs_model
async def test_settled_words_stay_and_later_words_follow() -> None:
    """After a settled point the next sound is transcribed on its own; forgetting drops the first."""
    ears = MoonshineEars()
    await hear(ears, spoken("time"))
    first = [word.text for word in await ears.settled(ears.activity.heard_ms)]
    cut_ms = ears.activity.heard_ms
    await hear(ears, spoken("opening_hours"))
    both = [word.text for word in await ears.settled(ears.activity.heard_ms)]
    assert both[: len(first)] == first
    ears.forget(cut_ms)
    assert plain(" ".join(word.text for word in ears.words())) == "what are your opening hours"
    await ears.aclose()


@needs_model
async def test_unwanted_sound_costs_nothing() -> None:
    """Where the words are not wanted none are worked out."""
    ears = MoonshineEars(wanted=lambda start_ms: False)
    await hear(ears, spoken("time"))
    assert list(await ears.settled(ears.activity.heard_ms)) == []
    await ears.aclose()


def test_a_missing_package_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package the reason says what to install."""

    def find_nothing(name: str) -> None:
        return None

    monkeypatch.setattr("importlib.util.find_spec", find_nothing)
    moonshine.unavailable_reason.cache_clear()
    reason = moonshine.unavailable_reason()
    moonshine.unavailable_reason.cache_clear()
    assert reason is not None
    assert "moonshine-voice==0.1.0 is not installed: uv sync --group local" in reason
