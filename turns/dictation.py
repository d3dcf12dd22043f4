"""Numbers and names that a caller says piece by piece: are all pieces there?"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turns.words import Tables

PHONE_DIGITS = 7
"""A number of which nothing is known has as many at the least."""
# The least of a number with an area code, and with a country code.
_ZERO_FIRST_DIGITS, _COUNTRY_CODE_DIGITS = 9, 10
_LETTERS = 5
_GROUPING = "+-.,/()# "


@dataclass(frozen=True, slots=True)
class Dictated:
    """The pieces at the end of a sentence: digits or letters, and how many there are at the least when it is whole."""

    what: str
    count: int
    least: int


def dictated(said: Sequence[str], tables: Tables) -> Dictated | None:
    """What is being dictated at the end of `said`; None where the number there is an ordinary one, or none."""
    start = len(said)
    while start and _is_piece(said[start - 1], tables):
        start -= 1
    pieces, before = said[start:], said[:start]
    if not pieces:
        return None
    letters = sum(_is_letter(piece, tables) for piece in pieces)
    return _letters(pieces, letters, before, tables) if letters else _digits(pieces, before, tables)


def _is_digits(word: str) -> bool:
    return any(char.isdigit() for char in word) and all(char.isdigit() or char in _GROUPING for char in word)


def _is_letter(word: str, tables: Tables) -> bool:
    return (len(word) == 1 and word.isalpha()) or word in tables.letters


def _is_piece(word: str, tables: Tables) -> bool:
    return _is_digits(word) or word in tables.numbers or word in tables.repeats or _is_letter(word, tables)


def _value(word: str, tables: Tables) -> str:
    kept = (str(unicodedata.digit(char)) if char.isdigit() else char for char in word)
    return tables.numbers.get(word) or "".join(char for char in kept if char.isdigit() or char == "+")


def _letters(pieces: Sequence[str], letters: int, before: Sequence[str], tables: Tables) -> Dictated | None:
    if all(piece in tables.one_letter_words or not _is_letter(piece, tables) for piece in pieces):
        return None  # "I" and "a" are words of their own
    announced = any(word in tables.spelling for word in before)
    alone = letters == len(pieces) and letters >= 2
    mixed = len(pieces) >= 3
    first = len(pieces) == 1 and not before
    return Dictated("letters", len(pieces), _LETTERS) if announced or alone or mixed or first else None


def _digits(pieces: Sequence[str], before: Sequence[str], tables: Tables) -> Dictated | None:
    digits, times, tens = "", 1, False
    for piece in pieces:
        if piece in tables.repeats:
            times = tables.repeats[piece]
            continue
        value = _value(piece, tables)
        if tens and len(value) == 1:
            digits = digits[:-1]  # "twenty five" is two digits, not three
        digits += value * times
        times, tens = 1, len(value) == 2 and value[1] == "0" and value[0] not in "+01"
    waits = pieces[-1] in tables.repeats
    announced = _announced(before, tables)
    single = all(_is_digits(piece) or len(_value(piece, tables)) == 1 for piece in pieces)
    zero_first = digits.startswith(("0", "+")) and len(digits) > 1
    bare = not before and single and len(pieces) > 1
    if not (announced or waits or zero_first or bare or (single and len(pieces) >= 3)):
        return None
    least = announced or PHONE_DIGITS
    if least == PHONE_DIGITS and digits.startswith(("+", "00")):
        least = _COUNTRY_CODE_DIGITS
    elif least == PHONE_DIGITS and zero_first:
        least = _ZERO_FIRST_DIGITS
    return Dictated("digits", 0 if waits else sum(char.isdigit() for char in digits), least)


def _announced(before: Sequence[str], tables: Tables) -> int:
    """The least digits of the number that the words before it announce; 0 if they announce none."""
    least: list[int] = []
    better: list[int] = []
    for index in range(len(before) - 1, -1, -1):
        word = before[index]
        if word in tables.announcing:
            if index and before[index - 1] in tables.labels:
                return 0
            least.append(tables.announcing[word])
        elif word in tables.qualifying and (least or len(before) > index + 1):
            better.append(tables.qualifying[word])
        elif word not in tables.links:
            break
    if not least:
        return 0
    return max(better) if better else min(least)
