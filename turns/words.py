"""Words as the tables of a language hold them, and text taken apart in the same way."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Ending = tuple[str, ...]
"""Words in a row, plain."""

LONGEST_ENDING = 4
MOST_WORDS = 60
"""Words of a turn that are looked at, from its end."""

_OPEN_MARKS = ",،;؛:-–—…"  # noqa: RUF001  # the dash of a range is a dash to a recogniser
_ASKED_MARKS = "?؟"
_CLOSED_MARKS = ".!。！？" + _ASKED_MARKS  # noqa: RUF001  # the marks of other scripts
_EDGES = _OPEN_MARKS + _CLOSED_MARKS + "\"'“”«»()[]"
_ONE_APOSTROPHE = str.maketrans("‘’ʼ", "'''")  # noqa: RUF001  # the ones that look alike are the subject
_ONE_LETTER = str.maketrans("أإآٱىة", "ااااي" + "ه")  # noqa: RUF001  # Arabic letters that are written for each other
_NOT_HEARD = re.compile("[\u0610-\u061a\u064b-\u065f\u0670\u0640\u200c-\u200f]")
_SPELLED = re.compile(r"\w(?:-\w)+")


class Mark(Enum):
    """What stands behind a sentence."""

    NONE = "no mark"
    OPEN = "a comma, a dash or dots"
    CLOSED = "a full stop"
    ASKED = "a question mark"


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words up to a mark that closes, or up to the end of the text."""

    words: tuple[str, ...]
    mark: Mark


@dataclass(frozen=True)
class Tables:
    """What one language says about the end of a sentence; every word is plain.

    Of `going_on`, `unsure` and `closing` the longest ending that fits counts: "so" goes on, "think so" closes,
    "so that" goes on.
    """

    going_on: frozenset[Ending]
    """Endings that something has to follow."""
    unsure: frozenset[Ending]
    """Endings that something may follow, whatever the mark behind them says."""
    closing: frozenset[Ending]
    """Endings that only look as if something had to follow."""
    done: frozenset[Ending]
    """Endings behind which nothing follows, mark or not."""
    answers: frozenset[Ending]
    """Whole utterances that are complete without a mark."""
    hesitant: frozenset[Ending]
    """Whole utterances with which a longer one begins."""
    yes_no: frozenset[str]
    """First words of an answer that may end in `elliptic`: "yes, it is"."""
    elliptic: frozenset[Ending]
    """Endings of such an answer; without the yes or no they may also be a beginning."""
    asking: frozenset[str]
    """Words that begin a question or its like within a sentence."""
    stranded: frozenset[Ending]
    """Of `going_on`: those that may end what an asking word began: "what is it for?"."""
    tags: frozenset[Ending]
    """Of `going_on`: those that make a question of a whole sentence before them: "it's late, is it?"."""
    values: frozenset[str]
    """Days, months and the like: with `before_values` and nothing else they are a complete short answer."""
    before_values: frozenset[str]
    numbers: Mapping[str, str]
    """Number words as digits."""
    repeats: Mapping[str, int]
    """How many times the next digit or letter is meant: double."""
    announcing: Mapping[str, int]
    """Words that announce a dictated number, with the least digits that it plausibly has."""
    qualifying: Mapping[str, int]
    """Words beside those that know better how long it is: the order's number."""
    links: frozenset[str]
    """Words that may stand between the announcing word and the digits."""
    labels: frozenset[str]
    """Words before "number" that make it an ordinary one: a room's."""
    spelling: frozenset[str]
    """Words that announce letters."""
    letters: frozenset[str]
    """Names of letters, where they are not letters themselves."""
    one_letter_words: frozenset[str]
    fillers: frozenset[str]
    """Sounds before an answer that do not count."""
    abbreviations: frozenset[str]
    """Words whose full stop closes nothing."""
    joined: str = ""
    """A word that is written onto the next one."""


def plain(word: str) -> str:
    """A word without case and the marks at its edges; Arabic without vowel marks and with one form of each letter."""
    folded = unicodedata.normalize("NFKC", word.strip()).casefold().translate(_ONE_APOSTROPHE)
    return _NOT_HEARD.sub("", folded).translate(_ONE_LETTER).strip(_EDGES)


def words(text: str) -> frozenset[str]:
    """A table of single words from a text with commas."""
    return frozenset(plain(part) for part in text.split(",") if plain(part))


def endings(text: str) -> frozenset[Ending]:
    """A table of endings from a text with commas."""
    parts = (tuple(plain(word) for word in part.split()) for part in text.split(","))
    return frozenset(part for part in parts if part)


def mark_of(raw: str) -> Mark:
    """The mark at the end of a written word."""
    end = raw.rstrip("\"'”’»)]").translate(_ONE_APOSTROPHE)  # noqa: RUF001  # as above
    if not end or end[-1] not in _OPEN_MARKS + _CLOSED_MARKS:
        return Mark.NONE
    if end[-1] in _OPEN_MARKS or end.endswith(".."):
        return Mark.OPEN
    return Mark.ASKED if unicodedata.normalize("NFKC", end[-1]) in _ASKED_MARKS else Mark.CLOSED


def sentences(text: str, abbreviations: frozenset[str] = frozenset()) -> list[Sentence]:
    """The text's last `MOST_WORDS` words by sentences. A letter-by-letter word (S-A-R) is one word a letter."""
    found: list[Sentence] = []
    current: list[str] = []
    mark = Mark.NONE
    for raw in unicodedata.normalize("NFC", text).split()[-MOST_WORDS:]:
        word, this_mark = plain(raw), mark_of(raw)
        if word:
            current += word.split("-") if _SPELLED.fullmatch(word) else [word]
            mark = Mark.NONE
        if this_mark is not Mark.NONE and word not in abbreviations:
            mark = this_mark
        if current and mark in (Mark.CLOSED, Mark.ASKED):
            found.append(Sentence(tuple(current), mark))
            current, mark = [], Mark.NONE
        elif not current and found and mark is Mark.OPEN:
            # "Yes. —": the dash stands for itself behind the full stop
            found[-1], mark = Sentence(found[-1].words, Mark.OPEN), Mark.NONE
    if current:
        found.append(Sentence(tuple(current), mark))
    return found


def longest_ending(said: Sequence[str], tables: Sequence[frozenset[Ending]], joined: str = "") -> tuple[int, Ending]:
    """Which table has the longest ending of `said`, and that ending; -1 and () if none has."""
    for length in range(min(LONGEST_ENDING, len(said)), 0, -1):
        ending = tuple(said[-length:])
        forms = [ending]
        if joined and len(ending[0]) > len(joined) + 1 and ending[0].startswith(joined):
            forms.append((ending[0].removeprefix(joined), *ending[1:]))
        for form in forms:
            for number, table in enumerate(tables):
                if form in table:
                    return number, form
    return -1, ()
