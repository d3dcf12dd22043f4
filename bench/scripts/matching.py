"""Which of the caller's words the LLM was told: two texts laid side by side. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.turns.dialogue import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.scripts.record import Word


@dataclass(frozen=True)
class Told:
    """`said`: numbers of the caller's words that are in a text. `strange`: words of it that nobody said, or once more.

    `newest`: those of `said` that are in its last part.
    """

    said: frozenset[int]
    newest: frozenset[int]
    strange: tuple[str, ...]


def match(told: str, newest: str, said: Sequence[Word], until_s: float) -> Told:
    """`told` ends in `newest`; words that began after `until_s` cannot be in it."""
    spoken = [(piece, index) for index, word in enumerate(said) if word.begin_s < until_s for piece in words(word.text)]
    known = {piece for piece, _ in spoken}
    text = _mended(words(told), known)
    count = len(_mended(words(newest), known))
    pairs = _pairs(text, [piece for piece, _ in spoken])
    places = {place for place, _ in pairs}
    return Told(
        frozenset(spoken[at][1] for _, at in pairs),
        frozenset(spoken[at][1] for place, at in pairs if place >= len(text) - count),
        tuple(word for place, word in enumerate(text) if place not in places),
    )


def _mended(pieces: Sequence[str], known: set[str]) -> list[str]:
    """A word that the recogniser was made to cut in two is one word."""
    mended: list[str] = []
    for piece in pieces:
        if mended and mended[-1] not in known and mended[-1] + piece in known:
            mended[-1] += piece
        else:
            mended.append(piece)
    return mended


def _pairs(text: Sequence[str], spoken: Sequence[str]) -> list[tuple[int, int]]:
    """Places of equal words in both, in order, as many as there can be."""
    best = [[0] * (len(spoken) + 1) for _ in range(len(text) + 1)]
    for i in range(len(text) - 1, -1, -1):
        for j in range(len(spoken) - 1, -1, -1):
            equal = best[i + 1][j + 1] + 1 if text[i] == spoken[j] else 0
            best[i][j] = max(equal, best[i + 1][j], best[i][j + 1])
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(text) and j < len(spoken):
        if text[i] == spoken[j] and best[i][j] == best[i + 1][j + 1] + 1:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i + 1][j] >= best[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs
