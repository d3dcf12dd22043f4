"""What a worker asks for when it comes and when it goes, so that no caller is left without an agent.

The work is done outside of the core (`rooms/rescue.py`): LiveKit knows who is alone, a worker does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


class Rescue(Protocol):
    """None of it raises: a worker serves and stops also where LiveKit cannot be asked."""

    def look(self) -> None:
        """A worker has registered or died: look soon, in the background, for callers without an agent."""

    async def release(self, rooms: Sequence[str]) -> None:
        """This worker drains: send another agent into those of `rooms` in which no caller is yet; theirs here ends."""

    async def hand_over(self, rooms: Sequence[str]) -> None:
        """The calls in `rooms` were ended here before their time: send another agent to the callers in them."""


class NoRescue:
    """For a worker whose callers somebody else looks after."""

    def look(self) -> None:
        return None

    async def release(self, rooms: Sequence[str]) -> None:
        return None

    async def hand_over(self, rooms: Sequence[str]) -> None:
        return None
