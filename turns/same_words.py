"""Do two transcripts ask for the same reply? Case, punctuation, hesitation and Arabic spelling aside, word for word.

A wrong "yes" answers what nobody said, a wrong "no" costs a model's call: what is in doubt is different.
"""

# ruff: noqa: RUF001  the Arabic letters are meant
from __future__ import annotations

import re
import unicodedata

_HESITATION = re.compile(r"u+m+|u+h+|er|erm+|h+m+|e+hm+|mmm+|اه+|اا+|ا?مم+")
_ANSWERS = {("uh", "huh"), ("uh", "uh"), ("mm", "hm"), ("mm", "hmm"), ("hm", "hm")}
"""A yes or a no, of which each half alone is a hesitation."""
_AT_AN_EDGE = {"يعني"}  # "I mean" there, "it means" in the middle

_ARABIC_MARKS = re.compile("[\u0640\u064b-\u0655\u0670]")  # tatweel, short vowels, loose hamza, dagger alef
_ALEFS = str.maketrans("أإآٱ", "اااا")
_APOSTROPHES = str.maketrans("‘’ʼ", "'''")
_GROUPED = re.compile(r"(?<=\d)[,٬](?=\d{3}(?!\d))")  # 1,000
_HALF_OF_DAY = re.compile(r"\b([AaPp])\.\s?([Mm])\b\.?")  # 7 a.m., 7 am
_IN_A_NUMBER = ".:/٫"  # between digits these change what is said; a hyphen or a comma only groups
_SPOKEN_MARKS = "%&@#*"  # punctuation to Unicode, words to a caller
DICTATED_DIGITS = 7
"""So many digits in a row are a number read out: how they are grouped says nothing."""


def same_words(first: str, second: str) -> bool:
    """Whether a reply to one is a reply to the other. A question mark alone makes no difference."""
    return first == second or normalized(first) == normalized(second)


def normalized(text: str) -> tuple[str, ...]:
    """What is compared. Hesitation alone is kept; empty only if there is no word at all."""
    text = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)
    text = _HALF_OF_DAY.sub(r"\1\2", _GROUPED.sub("", _ARABIC_MARKS.sub("", text)))
    words = [word for word in map(_without_edges, text.split()) if word]
    kept = [word for i, word in enumerate(words) if not _hesitation(words, i, shouted=text.isupper())]
    while kept and kept[0] in _AT_AN_EDGE:
        del kept[0]
    while kept and kept[-1] in _AT_AN_EDGE:
        del kept[-1]
    return _dictated([piece for word in kept or words for piece in _pieces(word.casefold().translate(_ALEFS))])


def _without_edges(word: str) -> str:
    """`word` without the punctuation around it, but for a sign or a mark that is spoken."""
    first, last = 0, len(word)
    while first < last and _silent(word[first]) and not _signed(word, first):
        first += 1
    while last > first and _silent(word[last - 1]):
        last -= 1
    return word[first:last]


def _hesitation(words: list[str], i: int, *, shouted: bool) -> bool:
    word = words[i]
    if word.isupper() and not shouted:
        return False  # the ER is a place
    before = words[i - 1].casefold() if i else ""
    after = words[i + 1].casefold() if i + 1 < len(words) else ""
    word = word.casefold()
    return bool(_HESITATION.fullmatch(word)) and not {(before, word), (word, after)} & _ANSWERS


def _pieces(word: str) -> list[str]:
    """`word` cut where it can be written apart: twenty-one, 5pm, example.com."""
    pieces = [""]
    for i, char in enumerate(word):
        before = word[i - 1] if i else ""
        after = word[i + 1] if i + 1 < len(word) else ""
        if char.isdecimal():
            if pieces[-1] and not _numeric(pieces[-1][-1]):
                pieces.append("")
            pieces[-1] += str(unicodedata.decimal(char))
        elif _signed(word, i) or (char in _IN_A_NUMBER and before.isdecimal() and after.isdecimal()):
            pieces[-1] += "." if char == "٫" else char
        elif char == "'" and before.isalpha() and after.isalpha():
            pieces[-1] += char
        elif char in _SPOKEN_MARKS or unicodedata.category(char).startswith("S"):
            pieces += [char, ""]
        elif _silent(char):
            pieces.append("")
        else:
            if pieces[-1] and _numeric(pieces[-1][-1]):
                pieces.append("")
            pieces[-1] += char
    return [piece for piece in pieces if piece]


def _dictated(pieces: list[str]) -> tuple[str, ...]:
    """`pieces` with each long run of digits as one."""
    joined: list[str] = []
    run: list[str] = []
    for piece in [*pieces, ""]:
        if piece.isdecimal():
            run.append(piece)
            continue
        digits = "".join(run)
        joined += [digits] if len(digits) >= DICTATED_DIGITS else run
        joined += [piece] if piece else []
        run = []
    return tuple(joined)


def _silent(char: str) -> bool:
    return char not in _SPOKEN_MARKS and unicodedata.category(char)[0] in "PCZ"


def _signed(word: str, i: int) -> bool:
    """Whether a minus stands there: before a digit, at the begin of a word."""
    return i == 0 and word[0] == "-" and len(word) > 1 and word[1].isdecimal()


def _numeric(char: str) -> bool:
    return char.isdecimal() or char in "-" + _IN_A_NUMBER
