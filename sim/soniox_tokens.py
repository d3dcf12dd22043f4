"""From words to Soniox tokens: which are shown as non-final, when, and which become final. Pure, fed with times."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .ears.base import Word
    from .latency import SonioxLatency

PUNCTUATION = ".,!?;:؟،"
REVISED_AFTER_S = 0.25
"""A misheard last word is corrected after this, or when the next word appears."""
LEAST_TOLD = 0.3
"""A word of which less than this share was spoken is left to the next segment."""
LONG_WORD = 7
SAME_START_MS = 20.0

Token = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Plan:
    """How one word is shown until it is final."""

    due_s: float
    misheard: bool
    rewritten: bool


def plain(text: str) -> str:
    """The word without its punctuation."""
    return text.strip(PUNCTUATION)


def _misheard(text: str) -> str:
    word = plain(text)
    return word[:-2] if len(word) > 3 else word + "s"


def _rewritten(text: str) -> str:
    """The same word with other case or punctuation."""
    bare = plain(text).lower()
    return bare if bare != text else text + ","


def _pieces(text: str) -> list[str]:
    word = text.rstrip(PUNCTUATION)
    mark = text[len(word) :]
    half = math.ceil(len(word) / 2)
    parts = [word[:half], word[half:]] if len(word) > LONG_WORD else [word]
    return [part for part in (*parts, mark) if part]


def tokens_of(word: Word, *, is_final: bool, leading_space: bool) -> list[Token]:
    """Sub-word tokens as the service sends them: long words in two, punctuation on its own."""
    tokens: list[Token] = []
    passed = 0
    length_ms = word.end_ms - word.start_ms
    for piece in _pieces(word.text):
        start_ms = word.start_ms + length_ms * passed / len(word.text)
        passed += len(piece)
        tokens.append(
            {
                "text": (" " if leading_space and not tokens else "") + piece,
                "start_ms": round(start_ms),
                "end_ms": round(word.start_ms + length_ms * passed / len(word.text)),
                "confidence": round(word.confidence if is_final else word.confidence * 0.9, 3),
                "is_final": is_final,
                "language": word.language,
            }
        )
    return tokens


class TokenStream:
    """The tokens of one stream. Draws are made per word, from the seed, the stream and the word's number."""

    def __init__(self, latency: SonioxLatency, stream: int) -> None:
        self._latency = latency
        self._stream = stream
        self._told = 0
        self._told_start_ms = -math.inf
        self._rest: Word | None = None
        self._plans: dict[int, _Plan] = {}
        self._at_start = True
        self.told_since_mark = False

    def pending(self, words: Sequence[Word]) -> list[Word]:
        """The words that are not final yet, with what a `finalize` left of a word."""
        later = [word for word in words if word.start_ms > self._told_start_ms + SAME_START_MS]
        return [self._rest, *later] if self._rest is not None else later

    def _plan(self, number: int, word: Word, heard_ms: float, now_s: float) -> _Plan:
        if number not in self._plans:
            draws = random.Random(f"{self._latency.seed}/{self._stream}/{number}")
            spoken_s = (heard_ms - word.end_ms) / 1000
            previous = self._plans.get(number - 1)
            due_s = max(now_s, now_s - spoken_s + self._latency.interim_lag.draw_ms() / 1000)
            self._plans[number] = _Plan(
                due_s=max(due_s, previous.due_s) if previous is not None else due_s,
                misheard=draws.random() < self._latency.interim_revision_probability,
                rewritten=draws.random() < self._latency.final_rewrite_probability,
            )
        return self._plans[number]

    def interims(self, words: Sequence[Word], heard_ms: float, now_s: float) -> tuple[list[Token], float | None]:
        """All non-final tokens to show now, and the time of the next change without new audio."""
        shown: list[tuple[Word, _Plan]] = []
        next_s: float | None = None
        for i, word in enumerate(self.pending(words)):
            if word.end_ms > heard_ms:
                break
            plan = self._plan(self._told + i, word, heard_ms, now_s)
            if plan.due_s > now_s:
                next_s = plan.due_s
                break
            shown.append((word, plan))
        tokens: list[Token] = []
        for i, (word, plan) in enumerate(shown):
            text = _rewritten(word.text) if plan.rewritten else word.text
            if plan.misheard and i == len(shown) - 1 and now_s < plan.due_s + REVISED_AFTER_S:
                text = _misheard(word.text)
                next_s = min(next_s or math.inf, plan.due_s + REVISED_AFTER_S)
            space = not (self._at_start and not i) and word is not self._rest
            tokens += tokens_of(replace(word, text=text), is_final=False, leading_space=space)
        return tokens, next_s

    def commit(self, words: Sequence[Word], until_ms: float) -> list[Token]:
        """Make everything spoken before `until_ms` final. A word in the middle is cut there."""
        tokens: list[Token] = []
        for word in self.pending(words):
            if word.start_ms >= until_ms:
                break
            told, left = _cut(word, until_ms)
            if told is None:
                break
            space = not self._at_start and word is not self._rest
            tokens += tokens_of(told, is_final=True, leading_space=space)
            self._at_start = False
            if word is not self._rest:
                self._told_start_ms = word.start_ms
            self._rest = left
            if left is not None:
                break
            self._told += 1
        self._plans = {number: plan for number, plan in self._plans.items() if number >= self._told}
        self.told_since_mark = self.told_since_mark or bool(tokens)
        return tokens

    def mark(self, text: str) -> Token:
        """The control token that closes a segment: `<end>` or `<fin>`."""
        self._at_start = True
        self.told_since_mark = False
        return {"text": text, "is_final": True, "confidence": 1.0}


def _cut(word: Word, until_ms: float) -> tuple[Word | None, Word | None]:
    """The part of a word before `until_ms`, and what is left of it."""
    if word.end_ms <= until_ms:
        return word, None
    share = (until_ms - word.start_ms) / (word.end_ms - word.start_ms)
    letters = round(share * len(plain(word.text)))
    if share < LEAST_TOLD or letters == 0:
        return None, word
    if letters >= len(plain(word.text)):
        return replace(word, end_ms=until_ms), None
    told = replace(word, text=word.text[:letters], end_ms=until_ms)
    return told, replace(word, text=word.text[letters:], start_ms=until_ms)
