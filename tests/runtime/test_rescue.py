"""The worker's side of the rescue: what it may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rooms.rescue import RoomRescue
from rooms.tokens import ApiKey
from runtime.rescue import NoRescue

if TYPE_CHECKING:
    from runtime.rescue import Rescue


async def test_a_worker_can_do_without() -> None:
    """Nothing is asked of anybody, and nothing fails."""
    none: Rescue = NoRescue()
    none.look()
    await none.release(["room"])
    await none.hand_over(["room"])


def test_the_rooms_do_what_a_worker_asks_for() -> None:
    """The type checker compares the two; here only that it can be made without LiveKit."""
    rescue: Rescue = RoomRescue("ws://127.0.0.1:1", ApiKey("key", "secret"), "desk")
    assert callable(rescue.look)
