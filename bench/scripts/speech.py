"""What the callers of random scripts say: any sentence with pauses of any length, and how a recogniser knows it. Pure.

The simulated recogniser knows sounds from their first sample on. It is given the pieces between the pauses, so that
one piece is known however long the pause before it was. Where two pieces are closer than it can tell apart, both
together are a piece of their own.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from bench.turns.corpus import BARGE_IN, CLOSED_MS, QUESTIONS, SENTENCES, noises
from bench.turns.pauses import paused, with_text
from sim.speech.library import RATE_HZ, Recording, SpokenWord, load_speech

SHORTEST_PAUSE_MS = 260
"""Below that the simulated recogniser takes two pieces for one sound."""
TOGETHER_MS = (60, 120, 180, 240)
"""Shorter silences between two sentences: these only, each recorded."""
GOING_ON = (
    ("opening_hours", "open_sunday"),
    ("time", "repeat"),
    ("good_morning", "spell_name"),
    ("open_sunday", "help"),
)
"""A whole question, and what the same caller says right behind it."""
CUT_MS = 1000.0
"""The pause that is put in where a sentence is cut into its pieces."""


@dataclass(frozen=True)
class Pause:
    """Behind word number `after_word`, from 0."""

    after_word: int
    ms: int


@dataclass(frozen=True)
class Line:
    """What a caller says in one breath. `then`: another recording `then_ms` behind the first one's last sound."""

    recording: str
    pauses: tuple[Pause, ...] = ()
    then: str = ""
    then_ms: int = 0


def places(recording: str) -> tuple[int, ...]:
    """The words behind which a caller may pause in it; none in a plain question.

    Of two words in a row only the second: what follows them sounds too much alike for the simulated recogniser.
    """
    known = next((sentence.after_words for sentence in SENTENCES if sentence.recording == recording), ())
    return tuple(after for after in known if after + 1 not in known)


@cache
def spoken(line: Line) -> Recording:
    """Its sound, and its words with their times. Made once: it takes long for who has to speak meanwhile."""
    said = _base(line.recording)
    for number, pause in enumerate(line.pauses):
        said = paused(said, f"{line.recording}.{number}", pause.after_word, pause.ms)
    return said if not line.then else _joined(said, _base(line.then), line.then_ms)


@cache
def pieces() -> tuple[Recording, ...]:
    """All that the recogniser has to know."""
    known: dict[str, Recording] = {name: _base(name) for name in (*QUESTIONS, BARGE_IN, *noises())}
    for pair, ms in itertools.product(GOING_ON, TOGETHER_MS):
        known |= {name: _base(name) for name in pair}
        known[f"{pair[0]}+{ms}"] = _joined(_base(pair[0]), _base(pair[1]), ms)
    for sentence in SENTENCES:
        known[sentence.recording] = _base(sentence.recording)
        for count in (1, 2):
            for cuts in itertools.combinations(places(sentence.recording), count):
                known |= {piece.id: piece for piece in _cut(sentence.recording, cuts)}
    return tuple(known.values())


@cache
def _base(name: str) -> Recording:
    """A recording as the recogniser writes it, without a pause of its own."""
    speech = load_speech()[name]
    sentence = next((each for each in SENTENCES if each.recording == name), None)
    if sentence is None:
        return speech
    base = with_text(speech, sentence.text)
    if sentence.recorded_pause is not None:
        base = paused(base, base.id, sentence.recorded_pause, CLOSED_MS)
    return base


def _cut(name: str, cuts: tuple[int, ...]) -> list[Recording]:
    """The pieces of a sentence between those words."""
    whole = spoken(Line(name, tuple(Pause(after, round(CUT_MS)) for after in cuts)))
    begins = [0, *(after + 1 for after in cuts)]
    ends = [*begins[1:], len(whole.words)]
    return [_piece(whole, f"{name}[{begin}:{end}]", begin, end) for begin, end in zip(begins, ends, strict=True)]


def _piece(whole: Recording, name: str, begin: int, end: int) -> Recording:
    words = whole.words
    from_ms = 0.0 if begin == 0 else words[begin].start_ms - CUT_MS / 4
    until_ms = whole.duration_ms if end == len(words) else words[end - 1].end_ms + CUT_MS / 4
    pcm = whole.pcm[_samples(from_ms) : _samples(until_ms)]
    return replace(
        whole,
        id=name,
        text=" ".join(word.text for word in words[begin:end]),
        words=_moved(words[begin:end], -from_ms),
        duration_ms=until_ms - from_ms,
        speech_end_ms=min(whole.speech_end_ms, words[end - 1].end_ms) - from_ms,
        pcm=pcm,
    )


def _joined(first: Recording, second: Recording, silence_ms: float) -> Recording:
    """Nothing is audible between the two for `silence_ms`, but for the quiet edges of the recordings."""
    head = first.pcm[: _samples(first.speech_end_ms)]
    tail = second.pcm[_samples(_lead_ms(second)) :]
    later_ms = first.speech_end_ms + silence_ms - _lead_ms(second)
    pcm = np.concatenate((head, np.zeros(_samples(silence_ms), np.int16), tail))
    pcm.setflags(write=False)
    return Recording(
        id=f"{first.id}+{second.id}",
        text=f"{first.text} {second.text}",
        language=first.language,
        words=(*first.words, *_moved(second.words, later_ms)),
        duration_ms=second.duration_ms + later_ms,
        speech_end_ms=second.speech_end_ms + later_ms,
        pcm=pcm,
    )


def _lead_ms(recording: Recording) -> float:
    return recording.words[0].start_ms


def _moved(words: tuple[SpokenWord, ...], by_ms: float) -> tuple[SpokenWord, ...]:
    return tuple(SpokenWord(word.text, word.start_ms + by_ms, word.end_ms + by_ms) for word in words)


def _samples(ms: float) -> int:
    return round(ms * RATE_HZ / 1000)
