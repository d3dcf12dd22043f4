"""Calls written by hand: what the judge is tried on."""

from __future__ import annotations

from bench.scripts.record import CallRecord, Heard, Request, Word

WORD_S = 0.3


def said(text: str, turn: int | None, begin_s: float) -> tuple[Word, ...]:
    """Words that follow each other at once; a number in brackets is a pause in seconds: "Can I (0.4) help"."""
    words: list[Word] = []
    at_s = begin_s
    for piece in text.split():
        if piece.startswith("("):
            at_s += float(piece.strip("()"))
            continue
        words.append(Word(piece, at_s, at_s + WORD_S, turn))
        at_s += WORD_S
    return tuple(words)


def asked(number: int, at_s: float, answered: str, told: str | None = None) -> Request:
    return Request(number, at_s, answered, told or answered, f"Sure. Answer {number}, yes.")


def heard(number: int, begin_s: float, length_s: float = 1.0) -> Heard:
    return Heard(number, f"Answer {number}, yes.", ((begin_s, begin_s + length_s),))


def call(words: tuple[Word, ...], sounds: tuple[Heard, ...], requests: tuple[Request, ...]) -> CallRecord:
    """All words were recognised."""
    recognised = tuple((word.end_s, word.text) for word in words)
    return CallRecord(3, "1/3", words, sounds, requests, recognised)
