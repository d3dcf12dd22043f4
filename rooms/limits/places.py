"""How many rooms there are, counted by name: those that LiveKit has, and those that are on their way."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class RoomPlaces:
    """Nothing here waits, so that a count and what follows from it are one step. Times are of one monotonic clock, s.

    A room that LiveKit has is `open`. A place that is `held` counts as well, until it is released or, for a caller who
    was given a token, until the token is worth nothing; a name counts once.
    """

    def __init__(self) -> None:
        self._open: dict[str, tuple[str, float]] = {}  # name: the room's sid, and since when it is known
        self._held: dict[str, float] = {}  # name: until when

    def __repr__(self) -> str:
        return f"<RoomPlaces {len(self._open)} open, {len(self._held.keys() - self._open.keys())} more held>"

    def __contains__(self, name: str) -> bool:
        return name in self._open or name in self._held

    def sids(self) -> set[str]:
        """Of the rooms that are open."""
        return {sid for sid, _ in self._open.values()}

    def is_held(self, name: str) -> bool:
        return name in self._held

    def taken(self, now_s: float) -> int:
        """Rooms that are open or on their way."""
        self._held = {name: until_s for name, until_s in self._held.items() if until_s > now_s}
        return len(self._open.keys() | self._held.keys())

    def hold(self, name: str, allowed: int | None, now_s: float, *, for_s: float = math.inf) -> bool:
        """Take a place, or keep it for longer; False if all `allowed` are taken. None is unlimited."""
        taken = self.taken(now_s)
        if name not in self and allowed is not None and taken >= allowed:
            return False
        self._held[name] = max(now_s + for_s, self._held.get(name, 0.0))
        return True

    def release(self, name: str) -> None:
        """Nobody waits for this room any more; if it is open it still counts."""
        self._held.pop(name, None)

    def opened(self, name: str, sid: str, now_s: float) -> None:
        self._open[name] = (sid, now_s)

    def closed(self, name: str, sid: str) -> bool:
        """That very room has ended; False if it was not known: news of an earlier one of this name change nothing."""
        if name not in self._open or self._open[name][0] != sid:
            return False
        del self._open[name]
        if math.isfinite(self._held.get(name, math.inf)):
            del self._held[name]  # its caller has come and gone
        return True

    def gone(self, name: str) -> None:
        """LiveKit says that there is none of this name."""
        if name in self._open:
            self.closed(name, self._open[name][0])

    def listed(self, rooms: Mapping[str, str], asked_at_s: float) -> None:
        """`rooms` are all that LiveKit has, name to sid, by an answer to a question of `asked_at_s`."""
        for name, (_, known_at_s) in list(self._open.items()):
            if name not in rooms and known_at_s < asked_at_s:  # what came later is not in that answer
                self.gone(name)
        for name, sid in rooms.items():
            if name not in self._open or self._open[name][0] != sid:
                self._open[name] = (sid, asked_at_s)
