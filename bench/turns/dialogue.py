"""What the simulated language model says to the callers of `bench turns`. The same messages give the same reply."""

from __future__ import annotations

import re
import zlib
from random import Random
from typing import TYPE_CHECKING, Any

from bench.turns.corpus import LONG_QUESTION, recordings
from sim.dialogue import Reply, content_text, is_arabic

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sim.dialogue import Message

OPENERS = ("Sure.", "Of course.", "Let me see.", "All right.")
"""Half of the replies begin with one of them, as those of real models do. The rest begin in many ways."""
SENTENCES = (
    "There are {n} tables left for {day}.",
    "On {day} we close at {n} past ten.",
    "The next one is number {n} on {day}.",
    "It takes about {n} minutes on {day}.",
    "I count {n} people for {day} so far.",
    "Bus {n} brings you here on {day}.",
    "We have {n} of them until {day}.",
    "Please come {n} minutes early on {day}.",
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
ARABIC = ("نحن نفتح من التاسعة صباحاً حتى السادسة مساءً.", "تفضل، أنا أسمعك.", "نفتح كل يوم ما عدا يوم الجمعة.")
PART = ("Please go on, I am listening.", "Yes, what else?", "And then?")
"""To words that no caller of the corpus says as a whole: who hears one of them was not let finish."""
# One sentence without a mark, so that it is spoken in one piece and has no pause of its own.
LONG = (
    "We have a quiet room at the back of the house with a view of the harbour and a large table near the window "
    "where we like to seat families who come early in the evening and want to stay until the boats come home and "
    "the lights go on along the whole of the old town wall."
)
LONG_AT_LEAST_S = 13.0
"""The simulated voice takes 14.2 s for it; who hears less has not heard all."""


class TurnsDialogue:
    """A short reply to each sentence of the corpus, a long one to LONG_QUESTION, one of PART to anything else.

    The caller's words are all that came since the agent was heard last, so a sentence that was cut in two and
    answered once is whole.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._whole = {words(each.text) for each in recordings().values() if each.text}
        self._long = words(recordings()[LONG_QUESTION].text)

    def reply(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> Reply:
        heard = " ".join(_since_last_answer(messages))
        said = words(heard)
        if said == self._long:
            return Reply(LONG)
        turn = sum(message.get("role") == "user" for message in messages)
        chance = Random(zlib.crc32(f"{self._seed}/{turn}/{' '.join(said)}".encode()))
        if said not in self._whole:
            return Reply(chance.choice(PART))
        if is_arabic(heard):
            return Reply(chance.choice(ARABIC))
        sentence = chance.choice(SENTENCES).format(n=chance.randint(2, 59), day=chance.choice(DAYS))
        opener = f"{chance.choice(OPENERS)} " if chance.random() < 0.5 else ""
        return Reply(opener + sentence)


def words(text: str) -> tuple[str, ...]:
    """Without case and punctuation."""
    return tuple(re.findall(r"[\w']+", text.lower()))


def is_part_answer(text: str) -> bool:
    """Whether what the agent said was for a part of a sentence."""
    return any(words(text)[: len(words(part))] == words(part) for part in PART)


def _since_last_answer(messages: Sequence[Message]) -> list[str]:
    said: list[str] = []
    for message in reversed(messages):
        if message.get("role") == "assistant":
            break
        if message.get("role") == "user":
            said.insert(0, content_text(message))
    return said
