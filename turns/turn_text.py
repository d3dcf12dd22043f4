"""The text of one turn as the framework puts it together, to the letter: final transcripts, then what is still open."""

from __future__ import annotations


class TurnText:
    """Follows livekit's `AudioRecognition`, which compares the whole turn with the text of its last preflight."""

    def __init__(self) -> None:
        self._finals: list[str] = []
        self._preflight = ""

    def whole(self, text: str) -> str:
        """The turn with `text` as its open segment."""
        return " ".join([*self._finals, text]).lstrip()

    def is_preflight(self, text: str) -> bool:
        """Whether the framework takes a final transcript with this text for its last preflight."""
        return self._preflight == self.whole(text)

    def preflight(self, text: str) -> None:
        """A preflight with this text goes to the framework."""
        self._preflight = self.whole(text)

    def final(self, text: str) -> None:
        """A final transcript goes to the framework."""
        self._finals.append(text)
        self._preflight = ""

    def committed(self, text: str) -> None:
        """The turn `text` is over. A final transcript that came too late to be in it belongs to the next one."""
        left = text.split()
        while self._finals and left:
            words = self._finals[0].split()
            if left[: len(words)] != words:
                self._finals.clear()  # the turn was not made of these
                return
            del self._finals[0], left[: len(words)]
