"""What openers are known, how they are learned, and how a reply's text is divided."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import numpy as np
import pytest

from turns.openers import AT_ONCE, LONGEST_CHARS, MAX_CANDIDATES, Openers, Opening, Speaker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from utils.audio import Pcm

SOUND = np.full(240, 1000, dtype=np.int16)


class Voice:
    """Speaks when it is told to; it knows what it was asked for."""

    def __init__(self, *, fails: bool = False, gated: bool = False) -> None:
        self.asked: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.go = asyncio.Event()
        self._fails = fails
        if not gated:
            self.go.set()

    async def speak(self, text: str) -> Pcm:
        self.asked.append(text)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.go.wait()
        finally:
            self.at_once -= 1
        if self._fails:
            raise RuntimeError("no voice")
        return SOUND

    def speaker(self, voice: str = "nora", model: str = "flash") -> Speaker:
        return Speaker(voice, model, self.speak)


async def tokens(*parts: str) -> AsyncGenerator[str]:
    for part in parts:
        yield part


async def text_of(opening: Opening) -> str:
    return "".join([part async for part in opening.rest])


async def chance_to_learn() -> None:
    """Turns of the loop enough for a task that was begun to ask the voice."""
    for _ in range(10):
        await asyncio.sleep(0)


async def learned(openers: Openers, count: int) -> None:
    async with asyncio.timeout(10):
        while len(openers) < count:
            await asyncio.sleep(0)


async def test_a_known_opener_is_taken_out_of_the_text() -> None:
    """Its sound at once, the rest of the text as it comes."""
    voice, openers = Voice(), Openers()
    await openers.fill(["Of course."], voice.speaker())
    opening = await openers.opening(tokens("Of", " course", ".", " What", " is it?"), voice.speaker())
    assert opening.clause == "Of course."
    assert opening.sound is SOUND
    assert await text_of(opening) == " What is it?"
    assert (openers.hits, openers.misses) == (1, 0)


@pytest.mark.parametrize("text", ["Of course, yes.", "Of Course. Yes.", "Sure. Of course.", "of course."])
async def test_only_the_same_words_and_marks_are_the_same(text: str) -> None:
    """The words of a reply are never changed for an opener."""
    voice, openers = Voice(), Openers()
    await openers.fill(["Of course."], voice.speaker())
    opening = await openers.opening(tokens(text), voice.speaker())
    assert opening.sound is None
    assert await text_of(opening) == text
    assert (openers.hits, openers.misses) == (0, 1)


async def test_another_voice_or_model_does_not_know_it() -> None:
    """A reply never begins in a voice that is not its own."""
    voice, openers = Voice(), Openers()
    await openers.fill(["Of course."], voice.speaker())
    for other in (voice.speaker(voice="max"), voice.speaker(model="turbo")):
        assert (await openers.opening(tokens("Of course."), other)).sound is None
    assert (await openers.opening(tokens("Of course."), Voice().speaker())).sound is not None


async def test_the_text_is_read_to_the_first_clause_and_no_further() -> None:
    """The sound is there before the second clause is written."""
    voice, openers = Voice(), Openers()
    await openers.fill(["Of course."], voice.speaker())
    written = asyncio.Event()

    async def slow() -> AsyncGenerator[str]:
        yield "Of course."
        await written.wait()
        yield " Then."

    opening = await openers.opening(slow(), voice.speaker())
    assert opening.sound is not None
    written.set()
    assert await text_of(opening) == " Then."


@pytest.mark.parametrize("text", ["", "Of course", f"{'long ' * 20}, and", f"{'x' * LONGEST_CHARS}xx."])
async def test_a_reply_without_a_short_clause_is_spoken_live(text: str) -> None:
    """Nothing of it is lost, and there is nothing to learn."""
    voice, openers = Voice(), Openers()
    for parts in (text, [text]):
        opening = await openers.opening(tokens(*parts), voice.speaker())
        assert (opening.clause, opening.sound) == (None, None)
        assert await text_of(opening) == text
    assert openers.misses == 2


async def test_a_long_clause_is_not_waited_for() -> None:
    """What cannot be an opener goes on as soon as that is clear."""
    openers = Openers()
    never = asyncio.Event()

    async def endless() -> AsyncGenerator[str]:
        yield "x" * (LONGEST_CHARS + 1)
        await never.wait()

    opening = await openers.opening(endless(), Voice().speaker())
    assert opening.clause is None
    assert await anext(opening.rest) == "x" * (LONGEST_CHARS + 1)
    await opening.rest.aclose()


async def test_never_the_same_opener_twice_in_a_row() -> None:
    """Behind a reply that began so it is spoken live; behind another one it comes from memory again."""
    voice, openers = Voice(), Openers()
    await openers.fill(["Of course."], voice.speaker())
    for last_reply, from_memory in [
        ("", True),
        ("Of course. Anything else?", False),
        (" Of  course. Anything else?", False),
        ("Sure. Of course.", True),
    ]:
        opening = await openers.opening(tokens("Of course."), voice.speaker(), last_reply=last_reply)
        assert (opening.sound is not None) == from_memory
        assert await text_of(opening) == ("" if from_memory else "Of course.")
    assert (openers.hits, openers.misses, openers.repeats) == (2, 0, 2)


async def test_a_clause_that_comes_again_is_learned() -> None:
    """At the second time, once, whoever says it."""
    voice, openers = Voice(), Openers()
    openers.note("Let me see.", voice.speaker())
    await chance_to_learn()
    assert (len(openers), voice.asked) == (0, [])
    for _ in range(4):
        openers.note("Let me see.", Voice().speaker())
    await learned(openers, 1)
    openers.note("Let me see.", voice.speaker())
    openers.note("Let me see.", voice.speaker())
    await chance_to_learn()
    assert voice.asked == []
    assert (await openers.opening(tokens("Let me see."), voice.speaker())).sound is SOUND
    await openers.aclose()


@pytest.mark.parametrize("clause", ["Hello Sarah,", "Thank you, Mr. Smith.", "At 7,", "Table 12."])
async def test_what_names_a_caller_or_a_number_is_not_learned(clause: str) -> None:
    """It would be kept for others; they are not filled in by chance, but a given list may have them."""
    voice, openers = Voice(), Openers()
    for _ in range(5):
        openers.note(clause, voice.speaker())
    await chance_to_learn()
    assert voice.asked == []
    await openers.fill([clause], voice.speaker())
    assert voice.asked == [clause]


@pytest.mark.parametrize("clause", ["Yes, I can.", "I think I'm ready.", "نعم،", "Of course."])
async def test_ordinary_words_are_learned(clause: str) -> None:
    """The English "I" is no name."""
    voice, openers = Voice(), Openers()
    openers.note(clause, voice.speaker())
    openers.note(clause, voice.speaker())
    await learned(openers, 1)
    assert voice.asked == [clause]


async def test_one_synthesis_for_all_who_ask_and_few_at_once() -> None:
    """Beside the calls, that is; the rest waits for its turn."""
    voice, openers = Voice(gated=True), Openers()
    clauses = [f"Clause {'abcdef'[n]}." for n in range(6)]
    filling = asyncio.gather(openers.fill(clauses, voice.speaker()), openers.fill(clauses, voice.speaker()))
    async with asyncio.timeout(10):
        while voice.at_once < AT_ONCE:
            await asyncio.sleep(0)
    voice.go.set()
    await filling
    assert sorted(voice.asked) == clauses
    assert voice.most_at_once == AT_ONCE
    assert len(openers) == len(clauses)


async def test_a_voice_that_fails_is_quiet_and_asked_again_later() -> None:
    """The clause has to come again as often as at first."""
    voice, openers = Voice(fails=True), Openers()
    await openers.fill(["Of course."], voice.speaker())
    assert (openers.failed, len(openers)) == (1, 0)
    well = Voice()
    openers.note("Of course.", well.speaker())
    await chance_to_learn()
    assert well.asked == []
    openers.note("Of course.", well.speaker())
    await learned(openers, 1)
    assert well.asked == ["Of course."]


async def test_silence_is_no_opener() -> None:
    """A voice that gives no sample has failed."""

    async def mute(_: str) -> Pcm:
        return SOUND[:0]

    openers = Openers()
    await openers.fill(["Of course."], Speaker("nora", "flash", mute))
    assert (openers.failed, len(openers)) == (1, 0)


async def test_the_last_used_are_kept() -> None:
    """Beyond the limit the one that was used longest ago goes; candidates are limited too."""
    voice, openers = Voice(), Openers(max_openers=2)
    await openers.fill(["One.", "Two."], voice.speaker())
    await openers.opening(tokens("One."), voice.speaker())
    await openers.fill(["Three."], voice.speaker())
    known = [(await openers.opening(tokens(text), voice.speaker())).sound is not None for text in ("One.", "Two.")]
    assert known == [True, False]

    openers.note("First of all,", voice.speaker())
    for n in range(MAX_CANDIDATES):
        openers.note(f"clause {'x' * n},", voice.speaker())
    openers.note("First of all,", voice.speaker())
    await chance_to_learn()
    assert "First of all," not in voice.asked


async def test_closed_in_the_middle_it_leaves_nothing() -> None:
    """What is under way ends, and what waits for its turn as well."""
    voice, openers = Voice(gated=True), Openers()
    filling = asyncio.create_task(openers.fill(["One.", "Two.", "Three."], voice.speaker()))
    async with asyncio.timeout(10):
        while voice.at_once < AT_ONCE:
            await asyncio.sleep(0)
    await openers.aclose()
    await filling
    assert (len(openers), voice.at_once) == (0, 0)


async def test_learning_does_not_hold_the_call_that_began_it() -> None:
    """Its task has a context of its own."""
    import contextvars

    call = contextvars.ContextVar[str]("call", default="none")
    seen: list[str] = []

    async def speak(_: str) -> Pcm:
        seen.append(call.get())
        return SOUND

    call.set("ada's")
    openers = Openers(learn_after=1)
    openers.note("Of course.", Speaker("nora", "flash", speak))
    await learned(openers, 1)
    assert seen == ["none"]


async def test_its_state_is_told() -> None:
    """A test that fails, and a log, can print it."""
    openers = Openers()
    await openers.fill(["One."], Voice().speaker())
    assert repr(openers) == "Openers(1 ready, 0 hits, 0 misses, 0 repeats)"
    assert "speak" not in repr(Voice().speaker())
