"""What livekit-agents does with an STT's events, as far as speculation goes: `AudioRecognition`, `AgentActivity`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from livekit.agents.stt import SpeechData, SpeechEvent, SpeechEventType
from livekit.agents.tokenize.basic import split_words

if TYPE_CHECKING:
    from collections.abc import Iterable

INTERIM, PREFLIGHT = SpeechEventType.INTERIM_TRANSCRIPT, SpeechEventType.PREFLIGHT_TRANSCRIPT
FINAL = SpeechEventType.FINAL_TRANSCRIPT


def event(kind: SpeechEventType, text: str, number: int = 0) -> SpeechEvent:
    return SpeechEvent(type=kind, request_id=str(number), alternatives=[SpeechData(language="en", text=text)])  # pyright: ignore[reportArgumentType]  # a plain string is turned into a code


def equivalent(first: str, second: str) -> bool:
    """The framework's own comparison at the commit, and at an interim behind a preflight."""
    one, other = (
        [word.casefold() for word, _, _ in split_words(text, ignore_punctuation=True, split_character=True)]
        for text in (first, second)
    )
    return first == second or (bool(one) and one == other)


@dataclass
class Framework:
    """Takes events, begins replies and commits turns as version 1.8.9 does."""

    permitted: bool = True
    speaking: bool = False
    """The agent speaks and is not interrupted: no reply is begun."""
    transcript: str = ""
    preflight: str = ""
    standing: str | None = None
    """The text that the standing reply was begun on."""
    begun: list[str] = field(default_factory=list[str])
    restarted: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """What stood and what threw it away, of each reply that a preflight or a final transcript replaced."""
    replied: list[tuple[str, bool]] = field(default_factory=list[tuple[str, bool]])
    """Each committed turn's text, and whether a begun reply was kept for it."""

    def permit(self, allowed: bool) -> None:
        self.permitted = allowed

    def take(self, events: Iterable[SpeechEvent]) -> list[SpeechEvent]:
        taken: list[SpeechEvent] = []
        for each in events:
            taken.append(each)
            text = each.alternatives[0].text if each.alternatives else ""
            if each.type is INTERIM:
                whole = f"{self.transcript} {text}"
                if text and self.preflight and self.standing is not None and not equivalent(self.standing, whole):
                    self.standing = None
            elif each.type is PREFLIGHT and text:
                self.preflight = f"{self.transcript} {text}".lstrip()
                self._begin(self.preflight)
            elif each.type is FINAL and text:
                self.transcript = f"{self.transcript} {text}".lstrip()
                changed, self.preflight = self.transcript != self.preflight, ""
                if changed:
                    self._begin(self.transcript)
        return taken

    def commit(self) -> str:
        text, self.transcript = self.transcript, ""
        self.replied.append((text, self.standing is not None and equivalent(self.standing, text)))
        self.standing = None
        return text

    def _begin(self, text: str) -> None:
        if self.permitted and not self.speaking:
            if self.standing is not None:
                self.restarted.append((self.standing, text))
            self.standing = text
            self.begun.append(text)
