"""Which reply was heard when: the agent's sound and its transcript put together. Pure; times in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.scripts.record import Heard

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LATE_S = 0.15
"""A transcript may come so much later than the sound that it belongs to: it takes another way."""


@dataclass(frozen=True)
class Transcript:
    """What the agent says, by its own account, as it came at `at_s`. One each reply, in the order of their sound."""

    at_s: float
    text: str
    number: int | None


def replies(spans: Iterable[tuple[float, float]], said: Sequence[Transcript]) -> tuple[Heard, ...]:
    """Each audible piece belongs to the last transcript before it. Sound from before 0 is the greeting's."""
    ordered = sorted(said, key=lambda each: each.at_s)
    sounds: dict[int, list[tuple[float, float]]] = {}
    for begin, end in sorted(spans):
        if end <= 0:
            continue
        before = [index for index, each in enumerate(ordered) if each.at_s <= begin + LATE_S]
        sounds.setdefault(before[-1] if before else -1, []).append((round(begin, 3), round(end, 3)))
    return tuple(
        Heard(ordered[index].number, ordered[index].text, tuple(spans)) if index >= 0 else Heard(None, "", tuple(spans))
        for index, spans in sorted(sounds.items())
    )
