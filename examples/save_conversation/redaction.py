"""Numbers, addresses and names taken out of what was said, before it is written anywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PHONE, CARD, EMAIL, NAME = "[phone]", "[card]", "[email]", "[name]"

SHORTEST_NUMBER = 7
"""Digits in a row, with what is said or written between them: fewer are a time, a price or a table for ten."""
_CARD_DIGITS = range(13, 20)
_LONGEST_PHONE = 15  # E.164
_TAIL_CHARS = 200  # no number and no address is longer
_SHORTEST_NAME = 2

_SPOKEN = "zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple|hundred|plus"
_DIGIT = rf"(?:\d|\b(?:{_SPOKEN})\b)"
_BETWEEN = r"[\s.,()/+\-\u2010-\u2015]{0,3}"
_NUMBER = re.compile(rf"\+?\(?{_DIGIT}(?:{_BETWEEN}{_DIGIT}){{{SHORTEST_NUMBER - 1},}}", re.IGNORECASE)
_EMAIL = re.compile(
    r"(?<![\w.+-])[\w.+-]{1,64}\s?@\s?[\w-]{1,63}(?:\.[\w-]{1,63})+"
    # as it is said: "ada dot lovelace at example dot com"
    r"|\b\w{1,64}(?:\s(?:dot|underscore|dash)\s\w{1,64}){0,5}"
    r"\sat\s\w{1,63}(?:\s(?:dot|dash)\s\w{1,63}){0,5}\sdot\s\w{1,63}",
    re.IGNORECASE,
)
_OPEN_END = re.compile(
    # a number that may go on, an address of which the rest is to come
    rf"(?:\+?\(?{_DIGIT}(?:{_BETWEEN}{_DIGIT})*{_BETWEEN}"
    r"|(?:\w+\s(?:dot|underscore|dash)\s)*\w+\s(?:at|dot|underscore|dash)\b.*|\S+\s?@.*)\s*$",
    re.IGNORECASE | re.DOTALL,
)
_DIGITS = re.compile(_DIGIT, re.IGNORECASE)


_LAST_WORD = re.compile(r"(?<!\S)\S+\s*$")


@dataclass(frozen=True)
class Redaction:
    """What is taken out. English number words count as digits; of a number over two turns each half is seen alone."""

    numbers: bool = True
    """Telephone numbers and payment cards."""
    emails: bool = True

    def text(self, text: str, names: Iterable[str] = ()) -> str:
        if self.emails:
            text = _EMAIL.sub(EMAIL, text)
        if self.numbers:
            text = _NUMBER.sub(_number, text)
        return without_names(text, names)

    def draft(self, text: str, names: Iterable[str] = ()) -> str:
        """Of words that go on: without an end that could be half of what is taken out."""
        names = tuple(names)
        kept = _LAST_WORD.sub("", text)
        kept = kept[:-_TAIL_CHARS] + _OPEN_END.sub("", kept[-_TAIL_CHARS:])
        # The words before may be the first of a name, or an address of which "at" or "dot" comes next.
        for _ in range(max([1, *(len(name.split()) - 1 for name in names)])):
            kept = _LAST_WORD.sub("", kept)
        return self.text(kept, names)


def without_names(text: str, names: Iterable[str]) -> str:
    """Each name as a whole and each of its parts, as whole words, in any case."""
    parts = {part for name in names for part in (name.strip(), *name.split()) if len(part) >= _SHORTEST_NAME}
    if not parts:
        return text
    longest_first = sorted(parts, key=len, reverse=True)
    return re.sub(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", NAME, text, flags=re.IGNORECASE)


def _number(match: re.Match[str]) -> str:
    digits = [int(char) for char in match[0] if char.isdecimal()]
    too_long = len(_DIGITS.findall(match[0])) > _LONGEST_PHONE
    return CARD if too_long or _is_card(digits) else PHONE


def _is_card(digits: list[int]) -> bool:
    """By length and Luhn's sum."""
    if len(digits) not in _CARD_DIGITS:
        return False
    doubled = [sum(divmod(digit * 2, 10)) for digit in digits[-2::-2]]
    return (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
