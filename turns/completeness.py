"""Has the caller finished? Judged from the words alone, by the tables of a language."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

from turns.dictation import dictated
from turns.words import Mark, Sentence, longest_ending, sentences
from turns.words_ar import ARABIC
from turns.words_en import ENGLISH

if TYPE_CHECKING:
    from collections.abc import Sequence

    from turns.words import Tables

# A recogniser that takes Arabic or English words for another language is wrong more often than right; these
# languages share the script and nothing of the tables.
_ARABIC_SCRIPT_ONLY = frozenset({"fa", "ur", "ps", "ckb", "sd", "ug"})
_UNKNOWN_LANGUAGES = frozenset({"", "multi", "auto", "und", "unknown"})
_MOST_VALUE_WORDS = 5
_MOST_ELLIPTIC_WORDS = 5
_LEAST_BEFORE_TAG = 3
_SURE_DIGITS = 10
A_SHORT_ANSWER = "a short answer"


class Verdict(Enum):
    """What the words say about the turn."""

    COMPLETE = "complete"
    """A question or an answer: the caller waits for a reply."""
    STATEMENT = "statement"
    """One can reply to it, and the caller may well go on behind it: "I need a table.", "My name is Anna."."""
    OPEN = "open"
    """Something has to follow."""
    UNKNOWN = "unknown"
    """Neither can be told."""


@dataclass(frozen=True, slots=True)
class Completeness:
    """The verdict, and the rule it comes from: words for a log, without the caller's own."""

    verdict: Verdict
    reason: str


def judge(text: str, language: str | None = None) -> Completeness:
    """Whether `text`, all that the caller said in this turn so far, is complete.

    `language` is a BCP-47 code, as the STT reports it, or None. English and Arabic are judged by their words, any
    other language by its marks. A sentence that stops short is read together with the next one: the recogniser's
    full stop behind "I would like to" is not the caller's.
    """
    tables = _tables(text, language)
    parts = sentences(text, tables.abbreviations if tables else frozenset())
    if not parts:
        return Completeness(Verdict.UNKNOWN, "no words")
    if tables is None:
        return _by_mark(parts[-1].mark)
    found = Completeness(Verdict.UNKNOWN, "no words")
    short: tuple[str, ...] = ()
    for part in parts:
        before, found = found, _sentence(Sentence((*short, *part.words), part.mark), tables)
        short = (*short, *part.words) if found.verdict is Verdict.OPEN else ()
        if before.verdict is Verdict.STATEMENT and found.reason == A_SHORT_ANSWER:
            # "I need a table. For four people": nobody was asked
            found = replace(found, verdict=Verdict.STATEMENT)
    return found


def _tables(text: str, language: str | None) -> Tables | None:
    """The tables of the script of the last letters, unless `language` is known to be another one's."""
    code = (language or "").partition("-")[0].lower()
    last = next((char for char in reversed(text) if char.isalpha()), "")
    if "ARABIC" in unicodedata.name(last, "") if last else code == "ar":
        return None if code in _ARABIC_SCRIPT_ONLY else ARABIC
    if last and "LATIN" not in unicodedata.name(last, ""):
        return None
    return ENGLISH if code in _UNKNOWN_LANGUAGES or code in ("en", "ar") else None


def _by_mark(mark: Mark, otherwise: str = "no mark") -> Completeness:
    if mark is Mark.OPEN:
        return Completeness(Verdict.OPEN, mark.value)
    if mark is Mark.NONE:
        return Completeness(Verdict.UNKNOWN, otherwise)
    return Completeness(Verdict.COMPLETE if mark is Mark.ASKED else Verdict.STATEMENT, mark.value)


def _sentence(sentence: Sentence, tables: Tables) -> Completeness:
    """The rules in their order; the first that fits decides."""
    said, mark = sentence.words, sentence.mark
    if mark is Mark.OPEN:
        return _by_mark(mark)
    for rule in (_dictation, _whole, _done, _answer, _ending):
        found = rule(said, mark, tables)
        if found is not None:
            return found
    return _by_mark(mark)


def _dictation(said: Sequence[str], mark: Mark, tables: Tables) -> Completeness | None:
    number = dictated(said, tables)
    if number is None:
        return None
    counted = f"{number.count} of at least {number.least} {number.what}"
    if number.count < number.least - (number.what == "letters"):
        return Completeness(Verdict.OPEN, counted)
    if number.count < number.least:
        return Completeness(Verdict.OPEN if mark is Mark.NONE else Verdict.UNKNOWN, counted)
    if mark is Mark.NONE:
        return Completeness(Verdict.UNKNOWN if number.count >= _SURE_DIGITS else Verdict.OPEN, f"{counted}, no mark")
    return Completeness(Verdict.COMPLETE, counted)


def _whole(said: Sequence[str], mark: Mark, tables: Tables) -> Completeness | None:
    """Short answers, and what only begins a longer sentence. Fillers before an answer do not count."""
    whole = tuple(said)
    while len(whole) > 1 and whole[0] in tables.fillers and whole not in tables.answers:
        whole = whole[1:]
    if whole in tables.answers:
        return Completeness(Verdict.COMPLETE, A_SHORT_ANSWER)
    if whole in tables.hesitant and mark is not Mark.ASKED:
        return Completeness(Verdict.OPEN, "a beginning")
    return None


def _done(said: Sequence[str], mark: Mark, tables: Tables) -> Completeness | None:
    found, _ = longest_ending(said, [tables.done], tables.joined)
    return Completeness(Verdict.COMPLETE, "a closing phrase") if found == 0 else None


def _answer(said: Sequence[str], mark: Mark, tables: Tables) -> Completeness | None:
    """ "At seven", "on Sunday", "yes, it is"."""
    *before, last = said
    short = len(said) <= _MOST_VALUE_WORDS

    def is_value(word: str) -> bool:
        return word in tables.values or word in tables.numbers or word[0].isdigit()

    if short and is_value(last) and all(word in tables.before_values or is_value(word) for word in before):
        return Completeness(Verdict.COMPLETE, A_SHORT_ANSWER)
    found, ending = longest_ending(said, [tables.elliptic])
    if found == 0 and len(ending) < len(said) <= _MOST_ELLIPTIC_WORDS and said[0] in tables.yes_no:
        verdict = Verdict.UNKNOWN if mark is Mark.NONE else Verdict.COMPLETE
        return Completeness(verdict, "yes or no, and a short form")
    return None


def _ending(said: Sequence[str], mark: Mark, tables: Tables) -> Completeness | None:
    found, ending = longest_ending(said, [tables.going_on, tables.unsure, tables.closing], tables.joined)
    words = f"{len(ending)} words at the end" if len(ending) > 1 else "the last word"
    if found == 1:
        if mark is Mark.ASKED:
            return None
        return Completeness(Verdict.UNKNOWN, f"{words} may go on")
    if found != 0:
        return None
    if mark is Mark.ASKED and ending in tables.tags and len(said) >= len(ending) + _LEAST_BEFORE_TAG:
        return None
    stranded, reach = longest_ending(said, [tables.stranded], tables.joined)
    if stranded == 0 and len(reach) >= len(ending) and any(word in tables.asking for word in said[: -len(reach)]):
        if mark is Mark.ASKED:
            return None
        # "How do I get to.": a question that is over would have its mark
        if mark is Mark.NONE or said[0] not in tables.asking:
            return Completeness(Verdict.UNKNOWN, f"{words} may end a question")
    return Completeness(Verdict.OPEN, f"{words} goes on" if len(ending) == 1 else f"{words} go on")
