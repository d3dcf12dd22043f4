"""Does a caller who speaks while a tool works want it to stop? Pure: words in, a verdict out."""

from __future__ import annotations

import re

_ENGLISH = r"never ?mind|forget (?:it|about it|that)|cancel|stop|leave it|don't bother|no longer"
_ARABIC = "لا يهم|انس|ألغ|الغ|توقف|خلاص"
_GIVES_UP = re.compile(rf"\b(?:{_ENGLISH})\b|(?<!\w)(?:{_ARABIC})", re.IGNORECASE)


def gives_up(text: str) -> bool:
    """Whether the words take the wish back: "never mind", "wait, stop"."""
    return _GIVES_UP.search(text.replace("\u2019", "'")) is not None
