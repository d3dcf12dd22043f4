"""The agent's words on their way to the caller's screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from livekit.agents.voice.io import TextOutput

if TYPE_CHECKING:
    from livekit.agents.voice.room_io import RoomIO

    from prewarm.heard_words import HeardWords


class Listener(Protocol):
    """Is told the words as they come."""

    def add_text(self, text: str) -> None: ...

    def end_text(self) -> None:
        """The segment is complete."""
        ...


class HeldTranscript(TextOutput):
    """Holds words until the room has somebody to read them, as the voice holds its sound.

    The framework drops text until a caller is linked, and the greeting is said before that. `heard` is told the words
    too, before they wait.
    """

    def __init__(self, room_io: RoomIO, next_in_chain: TextOutput, heard: HeardWords) -> None:
        super().__init__(label="held transcript", next_in_chain=next_in_chain)
        self._room_io = room_io
        self._next = next_in_chain
        self._heard = heard
        self._listeners: list[Listener] = [heard]

    def tell(self, listener: Listener) -> None:
        """Tell `listener` what `heard` is told, from now on; of a segment that is under way what came before, too."""
        self._listeners.append(listener)
        if under_way := self._heard.under_way:
            listener.add_text(under_way)

    async def capture_text(self, text: str) -> None:
        for listener in self._listeners:
            listener.add_text(text)
        await self._room_io.wait_for_ready()
        await self._next.capture_text(text)

    def flush(self) -> None:
        for listener in self._listeners:
            listener.end_text()
        self._next.flush()
