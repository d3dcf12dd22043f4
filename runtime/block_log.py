"""What is told of a blocked loop: one warning a place and minute, with the number of blocks behind it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

log = get_logger("runtime")

QUIET_S = 60.0


@dataclass(frozen=True)
class Blocker:
    """The code that holds the loop, as `file:line function`, and whose it is; None: of no call."""

    where: str
    call: str | None = None
    room: str | None = None


@dataclass
class _Counted:
    """What has not been told of one place since its last line."""

    until_s: float
    times: int = 0
    worst_s: float = 0.0
    blocker: Blocker | None = None


class BlockLog:
    """Tells the first block of a place at once; for `quiet_s` its next ones are counted, then told as one.

    `calls`: how many calls the worker has now.
    """

    def __init__(
        self, calls: Callable[[], int], *, quiet_s: float = QUIET_S, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._calls = calls
        self._quiet_s = quiet_s
        self._clock_s = clock_s
        self._places: dict[str, _Counted] = {}

    def blocked(self, blocker: Blocker, blocked_s: float) -> bool:
        """One block, over or lasting. True if it was told, False if it was counted."""
        counted = self._places.get(blocker.where)
        if counted is None:
            self._places[blocker.where] = _Counted(self._clock_s() + self._quiet_s)
            self._warn(blocker, blocked_s, times=1)
            return True
        counted.times += 1
        self._note(counted, blocker, blocked_s)
        return False

    def lasted(self, blocker: Blocker, blocked_s: float, *, told: bool) -> None:
        """The end of a block that `blocked` was given while it lasted, and which answered `told`."""
        if told:
            log.warning("the loop runs again", where=blocker.where, blocked_ms=round(blocked_s * 1000))
        elif (counted := self._places.get(blocker.where)) is not None:
            self._note(counted, blocker, blocked_s)

    def flush(self, *, everything: bool = False) -> None:
        """Tell what was counted at the places whose quiet time is over, or at all."""
        for where, counted in list(self._places.items()):
            if not everything and self._clock_s() < counted.until_s:
                continue
            del self._places[where]
            if counted.blocker is not None:
                self._places[where] = _Counted(self._clock_s() + self._quiet_s)
                self._warn(counted.blocker, counted.worst_s, times=counted.times)

    def _note(self, counted: _Counted, blocker: Blocker, blocked_s: float) -> None:
        if blocked_s >= counted.worst_s:
            counted.worst_s, counted.blocker = blocked_s, blocker

    def _warn(self, blocker: Blocker, blocked_s: float, *, times: int) -> None:
        others = max(self._calls() - (blocker.call is not None), 0)
        whose = {"call": blocker.call, "room": blocker.room} if blocker.call is not None else {}
        blocked_ms = round(blocked_s * 1000)
        log.warning(
            "the loop is blocked", **whose, where=blocker.where, blocked_ms=blocked_ms, others=others, times=times
        )
