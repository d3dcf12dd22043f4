"""The answer when there is no more room."""

from __future__ import annotations


class LimitReached(Exception):
    """There are `count` already, and `allowed` is the most.

    `limit` is the name of the setting, or "max_participants" where the room itself has a smaller number. `count` has
    those who are on their way. `room` is empty for the limit of rooms. The message may be shown to whoever asked.
    """

    def __init__(self, limit: str, *, allowed: int, count: int, what: str, room: str = "") -> None:
        where = f" in room '{room}'" if room else ""
        super().__init__(f"{limit}: there are {count} {what}{where} and the most is {allowed}; try again when one ends")
        self.limit = limit
        self.allowed = allowed
        self.count = count
        self.room = room
