"""Short commands: a small model is weak on single words, a short list is not."""

from __future__ import annotations

SHORT_MS = 900
ALIKE_FROM = 60.0
COMMANDS = (
    "Hello.",
    "Hi.",
    "Yes.",
    "Yes, please.",
    "No.",
    "No, thanks.",
    "Okay.",
    "Stop.",
    "Wait.",
    "Help.",
    "Thanks.",
    "Thank you.",
    "Goodbye.",
    "Bye.",
    "Repeat, please.",
    "Opening hours.",
)
# What the model makes of a cough or a click.
NOISES = frozenset({"you", "the", "uh", "oh", "ah"})


def _plain(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalnum() or c == " ").strip()


def as_command(text: str, sound_ms: float) -> str:
    """The nearest command for a short sound, "" for what is known to be no word; else `text` as it is."""
    if sound_ms > SHORT_MS or not text:
        return text
    if _plain(text) in NOISES:
        return ""
    from rapidfuzz import fuzz, process

    if len(text.split()) > 2:
        return text
    found = process.extractOne(_plain(text), COMMANDS, scorer=fuzz.ratio, processor=_plain, score_cutoff=ALIKE_FROM)
    return text if found is None or _plain(found[0]) == _plain(text) else found[0]
