"""Backchannels: kept from the agent while it speaks, an answer when it is silent."""

# ruff: noqa: RUF001  the Arabic letters are meant
from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from livekit.agents import LanguageCode
from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType

from turns.backchannels import is_backchannel, without_backchannels

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

INTERIM, FINAL = SpeechEventType.INTERIM_TRANSCRIPT, SpeechEventType.FINAL_TRANSCRIPT
Said = tuple[SpeechEventType, str, bool]
"""Kind, words, whether the agent speaks when they come."""


@pytest.mark.parametrize(
    "text",
    ["Mm-hm.", "uh-huh", "Uh huh.", "Yeah.", "Yes, yes.", "Okay, right.", "I see.", "Oh, I see. Okay.", "all right"],
)
def test_agreement_is_a_backchannel(text: str) -> None:
    """Alone and in a row, whatever the recogniser's marks and hyphens."""
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    ["نعم", "نعم، نعم.", "آه", "اه تمام", "طيب، حسنًا", "أيوه"],
)
def test_arabic_agreement_is_a_backchannel(text: str) -> None:
    """With its vowel marks and without, and one letter written for another."""
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    [
        *("", "...", "Wait.", "Stop.", "No.", "Okay but", "Yeah, and Sunday?", "I see a problem", "all", "right now"),
        *("Yes, please.", "لا", "نعم لكن", "تمام بس كم", "okay " * 9),
    ],
)
def test_what_wants_the_floor_is_none(text: str) -> None:
    """One word more than agreement is enough, and so is agreement without an end."""
    assert not is_backchannel(text)


def event(kind: SpeechEventType, text: str) -> SpeechEvent:
    return SpeechEvent(type=kind, alternatives=[SpeechData(LanguageCode("en"), text)])


async def passed(said: Sequence[Said], heard: list[str] | None = None) -> list[str]:
    speaking = False

    async def source() -> AsyncGenerator[SpeechEvent]:
        nonlocal speaking
        for kind, text, over_agent in said:
            speaking = over_agent
            yield event(kind, text)

    told = None if heard is None else heard.append
    events = without_backchannels(source(), lambda: speaking, told)
    return [each.alternatives[0].text async for each in events]


async def test_a_backchannel_over_the_agent_is_dropped() -> None:
    """Its interim form and its final one."""
    assert await passed([(INTERIM, "Yeah", True), (FINAL, "Yeah.", True)]) == []


async def test_an_answer_is_never_dropped() -> None:
    """The same words when the agent is silent."""
    assert await passed([(INTERIM, "Yes", False), (FINAL, "Yes.", False)]) == ["Yes", "Yes."]


async def test_an_answer_into_the_last_word_of_a_question_is_not_lost() -> None:
    """Its first form came over the agent's voice, its final one did not."""
    assert await passed([(INTERIM, "Yes", True), (FINAL, "Yes.", False)]) == ["Yes."]


async def test_a_backchannel_that_goes_on_passes_whole() -> None:
    """As soon as there is one more word."""
    said = [(INTERIM, "Okay", True), (INTERIM, "Okay but", True), (FINAL, "Okay, but when?", True)]
    assert await passed(said) == ["Okay but", "Okay, but when?"]


async def test_all_words_are_told_before_they_are_dropped() -> None:
    """Who judges the caller's sound needs the backchannels most."""
    heard: list[str] = []
    await passed([(INTERIM, "Yeah", True), (FINAL, "Yeah, wait.", True)], heard)
    assert heard == ["Yeah", "Yeah, wait."]


async def test_what_holds_no_words_passes() -> None:
    """The end of speech and what was used belong to the framework."""

    async def source() -> AsyncGenerator[SpeechEvent]:
        yield SpeechEvent(type=SpeechEventType.END_OF_SPEECH)
        yield SpeechEvent(type=SpeechEventType.RECOGNITION_USAGE)

    kinds = [each.type async for each in without_backchannels(source(), lambda: True)]
    assert kinds == [SpeechEventType.END_OF_SPEECH, SpeechEventType.RECOGNITION_USAGE]
