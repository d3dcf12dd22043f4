"""The agent's words wait for somebody who can read them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from livekit.agents.voice.io import TextOutput

from prewarm.heard_words import HeardWords
from prewarm.transcript import HeldTranscript

if TYPE_CHECKING:
    from livekit.agents.voice.room_io import RoomIO


class Room:
    """Stands for the framework's side of a room: ready when a caller is linked."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()

    async def wait_for_ready(self) -> None:
        await self.ready.wait()


class Screen(TextOutput):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__(label="screen", next_in_chain=None)
        self.shown: list[str] = []

    async def capture_text(self, text: str) -> None:
        self.shown.append(text)

    def flush(self) -> None:
        self.shown.append("|")


async def test_words_wait_for_a_listener_and_then_pass() -> None:
    """None is lost, their order stays, and the end of a segment is passed on."""
    screen, room = Screen(), Room()
    held = HeldTranscript(cast("RoomIO", room), screen, HeardWords())
    speaking = asyncio.create_task(held.capture_text("Hello, "))
    await asyncio.sleep(0)
    assert screen.shown == []
    room.ready.set()
    await speaking
    await held.capture_text("world.")
    held.flush()
    assert screen.shown == ["Hello, ", "world.", "|"]


async def test_one_who_listens_late_hears_the_whole_segment() -> None:
    """What was said of it before, then each part and its end; of a segment that is complete nothing."""
    screen, room = Screen(), Room()
    room.ready.set()
    held = HeldTranscript(cast("RoomIO", room), screen, HeardWords())
    await held.capture_text("Hello, ")
    early, late = Listener(), Listener()
    held.tell(early)
    await held.capture_text("world.")
    held.flush()
    held.tell(late)
    await held.capture_text("Bye.")
    held.flush()
    assert early.heard == ["Hello, ", "world.", "|", "Bye.", "|"]
    assert late.heard == ["Bye.", "|"]


class Listener:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def add_text(self, text: str) -> None:
        self.heard.append(text)

    def end_text(self) -> None:
        self.heard.append("|")
