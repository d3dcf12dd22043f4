"""What was said in a call, as the agent's side writes it on `lk.transcription`: a line a segment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit import rtc

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

TOPIC = "lk.transcription"
SEGMENT = "lk.segment_id"


@dataclass
class Line:
    """`who` is an identity. `final`: its sender will not change it any more."""

    who: str
    text: str = ""
    final: bool = False


class Transcript:
    """The lines in the order in which they began. `start` runs what reads a line as it grows, and ends it."""

    def __init__(self, room: rtc.Room, start: Callable[[Coroutine[None, None, None]], object]) -> None:
        self._segments: dict[str, Line] = {}
        self._start = start
        room.register_text_stream_handler(TOPIC, self._on_text)

    @property
    def lines(self) -> list[Line]:
        return [line for line in self._segments.values() if line.text.strip()]

    def _on_text(self, reader: rtc.TextStreamReader, identity: str) -> None:
        self._start(self._read(reader, identity))

    async def _read(self, reader: rtc.TextStreamReader, identity: str) -> None:
        attributes = reader.info.attributes or {}
        # What a caller says comes again and again as it gets longer, each time whole: the newest one stands.
        line = self._segments.setdefault(attributes.get(SEGMENT) or reader.info.stream_id, Line(identity))
        text = ""
        try:
            async for part in reader:
                text += part
                line.text = text
        except rtc.StreamError:
            return  # the sender left in the middle: what came stays
        finally:
            reader.close()
        line.final = True
