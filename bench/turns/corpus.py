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
ECHO_LOSSES_DB = (20.0, 30.0)
"""How much softer than it was played a caller's microphone hears the agent: a loud speakerphone, and a soft one."""
ECHO_DELAY_MS = 120.0
PAUSES_MS = (300, 500, 700, 900)
"""What callers pause for unless other lengths are asked for; the targets are set for these."""
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
FILLED_SENTENCES = (
    Sentence("filler_first", "Um. What is on the menu today?", (0,), 0),
    Sentence("filler_middle", "I would like, um, a table for four.", (3,), 3),
    Sentence("filler_last", "Do you take cards and uh. Is there a garden?", (5,), 5),
)
"""The caller pauses behind a filler."""
ARABIC_QUESTIONS = (ARABIC_QUESTION, "arabic_table")
ARABIC_SENTENCES = (
    Sentence(ARABIC_QUESTION, "ما هي ساعات العمل لديكم؟", (2,)),
    Sentence("arabic_want", "أريد أن. أحجز طاولة لأربعة أشخاص يوم الجمعة.", (1,)),
    Sentence("arabic_and", "اسمي أحمد و عندي سؤال عن الموقف.", (2,)),
    Sentence("arabic_number", "رقمي هو خمسة خمسة صفر واحد اثنين أربعة سبعة.", (4,)),
)
ALL_SENTENCES = (*SENTENCES, *FILLED_SENTENCES, *ARABIC_SENTENCES)


@dataclass(frozen=True)
class Script:
    """One turn of a caller. `recording`: its id in `recordings()`; `pause_ms` None: said without a pause."""

    recording: str
    pause_ms: int | None = None


def questions() -> tuple[Script, ...]:
    return tuple(Script(name) for name in QUESTIONS)


def pause_scripts(pauses_ms: tuple[int, ...] = PAUSES_MS) -> tuple[Script, ...]:
    """Every place with every pause: places in the outer loop, those behind a filler last."""
    return _pause_scripts((*SENTENCES, *FILLED_SENTENCES), pauses_ms)


def has_filler(recording: str) -> bool:
    """Whether the caller pauses behind a filler in it."""
    return recording.partition(".")[0] in {sentence.recording for sentence in FILLED_SENTENCES}


def arabic_scripts(pauses_ms: tuple[int, ...] = PAUSES_MS) -> tuple[Script, ...]:
    """The questions as they are; they and open sentences with a pause."""
    return (*map(Script, ARABIC_QUESTIONS), *_pause_scripts(ARABIC_SENTENCES, pauses_ms))


def noises() -> tuple[str, ...]:
    """Those of NOISES that are recorded."""
    return tuple(name for name in NOISES if name in load_speech())


@cache
def recordings(pauses_ms: tuple[int, ...] = PAUSES_MS) -> dict[str, Recording]:
    """All that can be said in a run with these pauses, by id.

    A sentence that is said with pauses is not among them without one: the simulated recogniser would take the two
    for each other until the pause is over.
    """
    with_pauses = {sentence.recording for sentence in ALL_SENTENCES} - set(ARABIC_QUESTIONS)
    names = [
        *(name for name in load_speech() if name not in with_pauses),
        *(script.recording for script in _pause_scripts(ALL_SENTENCES, pauses_ms)),
    ]
    return {name: recording(name) for name in names}


@cache
def recording(name: str) -> Recording:
    """What is said under this id: "time", or "cancel.4.900" with a pause behind the fourth word. Made once.

    Raises KeyError for an id that nothing has.
    """
    base, _, place = name.partition(".")
    if not place:
        return load_speech()[name]
    after, pause_ms = map(int, place.split("."))
    return paused(_without_pause(base), name, after - 1, pause_ms)


@cache
def _without_pause(name: str) -> Recording:
    """As a recogniser writes it, with the pause closed that was recorded."""
    sentence = {each.recording: each for each in ALL_SENTENCES}[name]
    base = with_text(load_speech()[name], sentence.text)
    if sentence.recorded_pause is None:
        return base
    return paused(base, base.id, sentence.recorded_pause, CLOSED_MS)


def _pause_scripts(sentences: tuple[Sentence, ...], pauses_ms: tuple[int, ...]) -> tuple[Script, ...]:
    return tuple(
        Script(_paused_name(sentence, after, pause_ms), pause_ms)
        for sentence in sentences
        for after in sentence.after_words
        for pause_ms in pauses_ms
    )


def _paused_name(sentence: Sentence, after_word: int, pause_ms: int) -> str:
    return f"{sentence.recording}.{after_word + 1}.{pause_ms}"
