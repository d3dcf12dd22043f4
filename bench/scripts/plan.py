"""Random scripts: what a caller says in each turn, and what happens while the agent speaks. Pure, by seed."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal

from bench.scripts.speech import GOING_ON, SHORTEST_PAUSE_MS, TOGETHER_MS, Line, Pause, places
from bench.turns.corpus import BARGE_IN, QUESTIONS, SENTENCES, noises

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind = Literal["question", "pause", "two pauses", "goes on"]
KINDS: tuple[Kind, ...] = ("question", "pause", "two pauses", "goes on")
KIND_WEIGHTS = (2, 4, 2, 2)
TURNS, TURN_WEIGHTS = (1, 2, 3, 4), (10, 6, 2, 2)
LONGEST_PAUSE_MS = 1500
LATEST_MS = 2500
"""After the reply's first sound: some are over by then, and the caller speaks into the silence."""
NEXT_AFTER_MS = (400, 1000)
"""How long a caller who does not interrupt waits after a reply."""
ASIDE_SHARE = 0.3
BARGE_SHARE = 0.4


@dataclass(frozen=True)
class Turn:
    """`aside`: a backchannel or noise that the caller makes over the reply, `aside_ms` after its first sound.

    `interrupts`: this turn is said over the reply to the one before. `after_ms`: after the first sound of that reply
    if it interrupts, else after its last.
    """

    kind: Kind
    line: Line
    after_ms: int
    interrupts: bool = False
    aside: str = ""
    aside_ms: int = 0


@dataclass(frozen=True)
class Script:
    """`seed` is all that it was drawn from."""

    number: int
    seed: str
    turns: tuple[Turn, ...]


def script(seed: int, number: int) -> Script:
    """Script `number` of the run with `seed`: the same for ever, whatever other scripts the run has."""
    own = f"{seed}/{number}"
    return Script(number, own, tuple(_turns(Random(own))))


def _turns(chance: Random) -> Iterator[Turn]:
    has_aside = False
    for number in range(chance.choices(TURNS, TURN_WEIGHTS)[0]):
        # Not behind a noise: right after it the simulated recogniser knows no words.
        interrupts = number > 0 and not has_aside and chance.random() < BARGE_SHARE
        kind, line = _line(chance, interrupts=interrupts)
        after_ms = chance.randint(0, LATEST_MS) if interrupts else chance.randint(*NEXT_AFTER_MS)
        has_aside = chance.random() < ASIDE_SHARE
        aside, aside_ms = (chance.choice(noises()), chance.randint(0, LATEST_MS)) if has_aside else ("", 0)
        yield Turn(kind, line, after_ms, interrupts, aside, aside_ms)


def _line(chance: Random, *, interrupts: bool) -> tuple[Kind, Line]:
    (kind,) = chance.choices(KINDS, KIND_WEIGHTS)
    if kind == "question":
        return kind, Line(BARGE_IN if interrupts and chance.random() < 0.5 else chance.choice(QUESTIONS))
    if kind == "goes on":
        first, second = chance.choice(GOING_ON)
        return kind, Line(first, (), second, _close_ms(chance))
    count = 1 if kind == "pause" else 2
    able = [sentence.recording for sentence in SENTENCES if len(places(sentence.recording)) >= count]
    recording = chance.choice(able)
    cuts = sorted(chance.sample(places(recording), count))
    return kind, Line(recording, tuple(Pause(after, _pause_ms(chance)) for after in cuts))


def _pause_ms(chance: Random) -> int:
    return chance.randint(SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS)


def _close_ms(chance: Random) -> int:
    """50 to 1500 ms; what the simulated recogniser cannot tell apart comes from TOGETHER_MS."""
    ms = chance.randint(50, LONGEST_PAUSE_MS)
    return ms if ms >= SHORTEST_PAUSE_MS else min(TOGETHER_MS, key=lambda known: abs(known - ms))
