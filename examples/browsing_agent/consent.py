"""What the caller has agreed to, by their own words: a page cannot say them."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from urllib.parse import urlsplit

YES = frozenset("yes yeah yep sure okay ok correct confirm confirmed right نعم أجل تمام موافق".split())  # noqa: SIM905  # a list of words reads as one
NO = frozenset("no nope not don't never stop wait cancel لا توقف الغاء".split())  # noqa: SIM905  # as above
TURNS_KEPT = 50
COMMON_LABELS = frozenset({"www", "com", "org", "net", "info", "html"})
SHORTEST_LABEL = 3


@dataclass(frozen=True)
class Sending:
    """A form as it is about to be sent: another value, another form or another page is another sending."""

    address: str
    ref: str
    values: tuple[tuple[str, str], ...]

    @property
    def question(self) -> str:
        """What the caller is asked before it is sent."""
        filled = "; ".join(f"{name}: {value}" for name, value in self.values if value.strip())
        return f"Shall I send this to {urlsplit(self.address).hostname}? {filled or 'The form is empty'}. Yes or no?"


class Consent:
    """One call's. A yes holds for one sending, and only in the turn after the question."""

    def __init__(self) -> None:
        self._said: deque[str] = deque(maxlen=TURNS_KEPT)
        self._asked: Sending | None = None
        self._granted: Sending | None = None

    def heard(self, words: str) -> None:
        """The caller has said this."""
        self._said.append(words)
        self._granted = self._asked if means_yes(words) else None
        self._asked = None

    def ask(self, sending: Sending) -> str | None:
        """The question to speak; the next words of the caller answer it. None while they have another one to answer."""
        self._granted = None
        if self._asked is not None:
            return None
        self._asked = sending
        return sending.question

    def take(self, sending: Sending) -> bool:
        """Whether exactly this may be sent now. A second time it may not."""
        granted = self._granted == sending
        self._granted = None
        return granted

    def named(self, address: str) -> bool:
        """Whether the caller has spoken of the site of `address`: "wiki pedia" names en.wikipedia.org."""
        spoken = re.sub(r"[\W_]+", "", "".join(self._said).lower())
        labels = (urlsplit(address).hostname or "").lower().split(".")
        plain = [re.sub(r"[\W_]+", "", label) for label in labels]
        return any(len(label) >= SHORTEST_LABEL and label not in COMMON_LABELS and label in spoken for label in plain)


def means_yes(words: str) -> bool:
    """A yes without a no, in one of the languages above: what is not understood is no yes."""
    said = {*re.findall(r"[\w']+", words.lower().replace("\u2019", "'"))}
    return bool(said & YES) and not said & NO
