"""Where a clause and a sentence of a reply end, found while the reply is still being written."""

# ruff: noqa: RUF001  # the marks of many scripts are the subject

from __future__ import annotations

import re

SENTENCE_MARKS = ".!?…؟۔।。！？\n"
CLAUSE_MARKS = SENTENCE_MARKS + ";:,،؛–—；：，、-"

# These end a clause whatever follows: their scripts often write the next word without a space.
_NEED_NO_SPACE = "؟۔،؛।。！？；：，、—"
_NEED_SPACE_BEFORE = "–-"
_CLOSERS = "\"'”’»)\\]}"
_MARKS = re.compile(f"[{re.escape(CLAUSE_MARKS)}]+[{_CLOSERS}]*")
_OPENERS = "\"'“‘«([{"

_ABBREVIATED = """
    dr mr mrs ms mx prof rev hon capt lt col sgt gen sen rep gov pres st mt ft ave blvd rd apt dept ext tel approx est
    vs etc inc ltd co corp bros jr sr ph.d jan feb apr aug sept oct nov dec bzw ca nr usw mme mlle
"""
ABBREVIATIONS = frozenset(_ABBREVIATED.split())
"""In small letters, without the last dot. A letter alone ("J.") and letters between dots ("p.m.") need no entry."""


def clause_end(text: str, *, at_once: bool = True, min_chars: int = 0, min_words: int = 0) -> int | None:
    """Index behind the first clause of `text` that has `min_chars` characters or `min_words` words, or None.

    With `at_once` a mark at the very end counts; else only what follows tells that it is one.
    """
    return _first_end(text, CLAUSE_MARKS, at_once, min_chars, min_words)


def sentence_end(text: str, *, min_chars: int = 0) -> int | None:
    """Index behind the first sentence of `text` that has `min_chars` characters, or None before the next one begins."""
    return _first_end(text, SENTENCE_MARKS, at_once=False, min_chars=min_chars, min_words=0)


def last_break(text: str, *, min_chars: int = 0) -> int | None:
    """Index behind the last clause of `text`, or behind its last whole word; None in a single word."""
    ends = [found.end() for found in _MARKS.finditer(text) if _ends_clause(text, found, at_once=False)]
    if ends and ends[-1] >= min_chars:
        return ends[-1]
    space = max(text.rfind(" "), text.rfind("\t"))
    return space if text[:space].strip() and space > 0 else None


def _first_end(text: str, marks: str, at_once: bool, min_chars: int, min_words: int) -> int | None:
    for found in _MARKS.finditer(text):
        if not any(mark in marks for mark in found[0]) or not _ends_clause(text, found, at_once):
            continue
        clause = text[: found.end()].strip()
        if len(clause) >= min_chars or (min_words and _word_count(clause) >= min_words):
            return found.end()
    return None


def _word_count(text: str) -> int:
    return sum(any(map(str.isalnum, word)) for word in text.split())


def _ends_clause(text: str, found: re.Match[str], at_once: bool) -> bool:
    """Whether the marks that were `found` end a clause, and are not part of a number, a name or a word."""
    begin, end, mark = found.start(), found.end(), text[found.start()]
    if not any(map(str.isalnum, text[:begin])):
        return False
    if "\n" in found[0]:
        return True
    after = text[end : end + 1]
    if mark in _NEED_SPACE_BEFORE:
        return text[begin - 1].isspace() and after.isspace()
    if text[begin - 1].isdigit() and mark not in "!?؟":
        return after.isspace() or (mark in _NEED_NO_SPACE and bool(after) and not after.isdigit())
    if found[0].startswith(".") and not found[0].startswith("..") and _is_abbreviation(text[:begin]):
        return False
    if not after:
        return at_once
    return after.isspace() or mark in _NEED_NO_SPACE


def _is_abbreviation(before: str) -> bool:
    """Whether a dot behind `before` belongs to its last word."""
    word = before.split()[-1].lstrip(_OPENERS).lower() if before.strip() and not before[-1].isspace() else ""
    parts = word.split(".")
    return word in ABBREVIATIONS or (parts[0].isalpha() and all(len(part) == 1 for part in parts))
