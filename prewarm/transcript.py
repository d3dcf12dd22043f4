"""The agent's words on their way to the caller's screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from livekit.agents.voice.io import TextOutput

if TYPE_CHECKING:
    from livekit.agents.voice.room_io import RoomIO

    from prewarm.heard_words import HeardWords


class HeldTranscript(TextOutput):
    """Holds words until the room has somebody to read them, as the voice holds its sound.

    The framework drops text until a caller is linked, and the greeting is said before that. `heard` is told the words
    too.
    """

    def __init__(self, room_io: RoomIO, next_in_chain: TextOutput, heard: HeardWords) -> None:
        super().__init__(label="held transcript", next_in_chain=next_in_chain)
        self._room_io = room_io
        self._next = next_in_chain
        self._heard = heard

    async def capture_text(self, text: str) -> None:
        self._heard.add_text(text)
        await self._room_io.wait_for_ready()
        await self._next.capture_text(text)

    def flush(self) -> None:
        self._heard.end_text()
        self._next.flush()
