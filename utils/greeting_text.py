"""A greeting with a place for the caller's name: what is said to everybody, and what only to this caller."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

PLACEHOLDER = "{name}"
MAX_NAME_CHARS = 40
MAX_NAME_DIGITS = 3

_STANDS_IN = "Joanna"  # as long as the placeholder, so that offsets hold; a brace would not begin a sentence
_NAME_MARKS = "'\u2019-.\u00b7"  # O'Brien, Jean-Luc, Ada L., and the dot in transcribed Chinese names


class GreetingTextError(ValueError):
    """A greeting that cannot be used; `allowed` says what can."""

    def __init__(self, text: str, allowed: str) -> None:
        super().__init__(f"greeting: got {text[:80]!r}, allowed: {allowed}")
        self.allowed = allowed


@dataclass(frozen=True)
class GreetingText:
    """`opening`: the same words for every caller. `personal`: the rest with its placeholder, or None."""

    opening: str
    personal: str | None = None


def split_greeting(text: str) -> GreetingText:
    """All whole sentences before the first one with `{name}`, and what follows them.

    Raises `GreetingTextError` if nothing to say stands before the name, and for any other use of braces.
    """
    if re.search(r"[{}]", text.replace(PLACEHOLDER, "")):
        raise GreetingTextError(text, f"{PLACEHOLDER} for the caller's name, and no other braces")
    place = text.find(PLACEHOLDER)
    cut = len(text) if place < 0 else _sentence_start(text, place)
    opening, personal = text[:cut].strip(), text[cut:].strip()
    if not any(char.isalnum() for char in opening):
        # It is what the caller hears at once: the name is not known before the caller is there.
        raise GreetingTextError(text, f"a whole sentence without {PLACEHOLDER} first, such as 'Hello, this is Nora.'")
    return GreetingText(opening, personal or None)


def personal_words(text: str, name: str) -> str | None:
    """`text` with the caller's name in it, or None when the name cannot be said.

    The name comes from the caller. Only letters, digits and the marks of names are taken from it, 40 characters at
    most: what is left can neither be markup for the voice nor a placeholder.
    """
    spoken = _spoken_name(name)
    return text.replace(PLACEHOLDER, spoken) if spoken else None


def _sentence_start(text: str, place: int) -> int:
    """Where the sentence begins that has the character at `place`."""
    from livekit.blingfire import text_to_sentences_with_offsets  # 14 ms, and most greetings name nobody

    _, sentences = text_to_sentences_with_offsets(text.replace(PLACEHOLDER, _STANDS_IN))
    return next((begin for begin, end in sentences if begin <= place < end), 0)


def _spoken_name(name: str) -> str:
    # Before the normal form too: it takes time for each character, and 18 of them can come out of one.
    plain = unicodedata.normalize("NFKC", name[: 4 * MAX_NAME_CHARS])
    kept = "".join(char if _is_part_of_a_name(char) else " " for char in plain)
    if sum(char.isnumeric() for char in kept) > MAX_NAME_DIGITS:
        return ""  # a phone number or an id: nobody is called that
    words = " ".join(kept.split())
    if len(words) > MAX_NAME_CHARS:
        words = words[: MAX_NAME_CHARS + 1].rpartition(" ")[0] or words[:MAX_NAME_CHARS]
    return words if any(char.isalpha() for char in words) else ""


def _is_part_of_a_name(char: str) -> bool:
    return unicodedata.category(char)[0] in "LMN" or char in _NAME_MARKS
