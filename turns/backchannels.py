"""Words that a listener says without wanting the floor: "mm-hm", "yeah", "okay", "نعم".

While the agent speaks they are not for it to answer. While it is silent the same words are an answer.
"""

# ruff: noqa: RUF001  the Arabic letters are meant
from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.agents.stt import SpeechEventType

from turns.words import endings, sentences

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable

    from livekit.agents.stt import SpeechEvent

MOST_WORDS = 8
"""Of agreement in a row. Who says more of them than that wants to be heard."""
LONGEST_PHRASE = 3

_ENGLISH = endings("""
    mm, mmm, mhm, mm hm, mm hmm, mmhm, hm, hmm, uh huh, uhhuh, aha, ah, ahh, oh, ooh, uh, um, eh, huh, yeah, yea, yah,
    yes, yep, yup, ok, okay, kay, right, all right, alright, i see, sure, got it, gotcha, i understand, of course,
    exactly, true, that's right, good, great, cool, nice, fine, perfect, wow, really, oh really, i know, makes sense,
    sounds good
""")
_ARABIC = endings("""
    نعم, اه, آه, اها, ايه, ايوه, ايوا, أجل, بلى, تمام, طيب, حسنا, حسناً, اوكي, أوكي, اوك, ماشي, صح, صحيح, فهمت, مفهوم,
    أكيد, بالضبط, جيد, ممتاز, حاضر, امم, ممم, همم, هم, مم
""")
PHRASES = _ENGLISH | _ARABIC
"""A caller changes the language, and a recogniser takes a hum for either: one table for both."""

WORDS = (SpeechEventType.INTERIM_TRANSCRIPT, SpeechEventType.PREFLIGHT_TRANSCRIPT, SpeechEventType.FINAL_TRANSCRIPT)


def is_backchannel(text: str) -> bool:
    """Whether `text` is nothing else: "Yeah, mm-hm." is, "okay but" and "" are not."""
    said = [word for sentence in sentences(text.replace("-", " ")) for word in sentence.words]
    if not said or len(said) > MOST_WORDS:
        return False
    at = 0
    while at < len(said):
        for length in range(min(LONGEST_PHRASE, len(said) - at), 0, -1):
            if tuple(said[at : at + length]) in PHRASES:
                at += length
                break
        else:
            return False
    return True


async def without_backchannels(
    events: AsyncIterable[SpeechEvent],
    agent_speaking: Callable[[], bool],
    heard: Callable[[str], None] | None = None,
) -> AsyncGenerator[SpeechEvent]:
    """`events` of an STT, for `Agent.stt_node`, without those backchannels that come while the agent speaks.

    What comes when the agent is silent passes whatever it is, also the final form of words that were kept back before:
    who says "yes" into the last word of a question has answered it. `heard` is told all words before that.
    """
    async for event in events:
        if event.type in WORDS and event.alternatives and (text := event.alternatives[0].text):
            if heard is not None:
                heard(text)
            if agent_speaking() and is_backchannel(text):
                continue
        yield event
