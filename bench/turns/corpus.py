"""What the callers say: recorded questions, sentences with a pause, noises, and what interrupts a reply."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from bench.turns.pauses import paused, with_text
from sim.speech.library import load_speech

if TYPE_CHECKING:
    from sim.speech.library import Recording

QUESTIONS = (
    "opening_hours",
    "time",
    "who_are_you",
    "good_morning",
    "spell_name",
    "open_sunday",
    "repeat",
    "yes_please",
    "no_thanks",
)
ARABIC_QUESTION = "arabic_hours"
LONG_QUESTION = "help"
"""Is answered at length: what goes on while the agent speaks needs time."""
BARGE_IN = "wait_stop"
NOISES = (
    *("mm_hm", "uh_huh", "yeah", "okay", "right"),
    *("cough", "cough_2", "clap", "knock"),
    *("traffic", "music"),
)
"""Backchannels and noises; those that are not recorded are left out."""
LONG_NOISE_MS = 2500.0
PAUSES_MS = (300, 500, 700, 900)
CLOSED_MS = 60.0


@dataclass(frozen=True)
class Sentence:
    """`text`: as a recogniser writes it, which may end a sentence where the caller only thinks.

    `after_words`: the words behind which the caller pauses, by number from 0. `recorded_pause`: the word behind which
    the recording has one, which is closed first.
    """

    recording: str
    text: str
    after_words: tuple[int, ...]
    recorded_pause: int | None = None


SENTENCES = (
    Sentence("book_table", "Can I book a table for two? Tomorrow at seven?", (4, 6)),
    Sentence("cancel", "I would like to cancel my reservation.", (3, 5)),
    Sentence("person", "Could I speak to a person, please?", (3, 5)),
    Sentence(
        "quiet_place",
        "I am looking for a quiet place. For dinner with my family on Friday, near the window if possible.",
        (6, 11, 13),
    ),
    Sentence("pause_300", "I need a table. For four people on Friday.", (3, 6), 3),
    Sentence("pause_500", "Can you tell me when you are open tomorrow?", (3, 7), 3),
    Sentence("pause_800", "My name is Anna. And I have a question about parking.", (3, 4), 3),
    Sentence("phone_number", "My number is five five five, zero one four two.", (2, 5, 7)),
)
ARABIC_SENTENCE = Sentence(ARABIC_QUESTION, "ما هي ساعات العمل لديكم؟", (2,))


@dataclass(frozen=True)
class Script:
    """One turn of a caller. `recording`: its id in `recordings()`; `pause_ms` None: said without a pause."""

    recording: str
    pause_ms: int | None = None


def questions() -> tuple[Script, ...]:
    return tuple(Script(name) for name in QUESTIONS)


def pause_scripts() -> tuple[Script, ...]:
    """Every place with every pause: places in the outer loop."""
    return _pause_scripts(SENTENCES)


def arabic_scripts() -> tuple[Script, ...]:
    """The question as it is, and with a pause."""
    return (Script(ARABIC_QUESTION), *_pause_scripts((ARABIC_SENTENCE,)))


def noises() -> tuple[str, ...]:
    """Those of NOISES that are recorded."""
    return tuple(name for name in NOISES if name in load_speech())


@cache
def recordings() -> dict[str, Recording]:
    """All that can be said, by id.

    A sentence that is said with pauses is not among them without one: the simulated recogniser would take the two
    for each other until the pause is over.
    """
    speech = load_speech()
    with_pauses = {sentence.recording for sentence in SENTENCES}
    known = {name: recording for name, recording in speech.items() if name not in with_pauses}
    for sentence in (*SENTENCES, ARABIC_SENTENCE):
        base = with_text(speech[sentence.recording], sentence.text)
        if sentence.recorded_pause is not None:
            base = paused(base, base.id, sentence.recorded_pause, CLOSED_MS)
        for after in sentence.after_words:
            for pause_ms in PAUSES_MS:
                name = _paused_name(sentence, after, pause_ms)
                known[name] = paused(base, name, after, pause_ms)
    return known


def _pause_scripts(sentences: tuple[Sentence, ...]) -> tuple[Script, ...]:
    return tuple(
        Script(_paused_name(sentence, after, pause_ms), pause_ms)
        for sentence in sentences
        for after in sentence.after_words
        for pause_ms in PAUSES_MS
    )


def _paused_name(sentence: Sentence, after_word: int, pause_ms: int) -> str:
    return f"{sentence.recording}.{after_word + 1}.{pause_ms}"
