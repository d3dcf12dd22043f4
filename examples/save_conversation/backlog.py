"""What a call has said and the disk has not taken yet: bounded, for one event loop and the writer's thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING

from examples.save_conversation.entries import Ended, Lost, Said

if TYPE_CHECKING:
    from collections.abc import Callable

    from examples.save_conversation.entries import Began, Entry

MOST_LINES = 1000
"""Of one call, in memory, while the disk takes none: an hour of talk."""


class Backlog:
    """One conversation on its way. `put` costs microseconds and never waits for the disk.

    Words that may still change take the place of their older form. Beyond `most_lines` new lines are lost and counted,
    and the count is written where they are missing.
    """

    def __init__(self, began: Began, wake: Callable[[], None], *, most_lines: int = MOST_LINES) -> None:
        self.began = began
        self.saved: Future[None] = Future()
        """Done when the conversation's last line is on the disk."""
        self._wake = wake
        self._most_lines = most_lines
        self._lock = threading.Lock()
        self._settled: deque[Entry] = deque([began])
        self._open: dict[int, Said] = {}
        self._lost = 0
        self._lost_at_s = 0.0
        self.is_ending = False

    def put(self, entry: Entry) -> None:
        with self._lock:
            if isinstance(entry, Said):
                self._open.pop(entry.number, None)
            if isinstance(entry, Said) and not entry.settled:
                self._open[entry.number] = entry
            elif len(self._settled) < self._most_lines or isinstance(entry, Ended):
                self._note_loss()
                self._settled.append(entry)
            else:
                self._lost_at_s = self._lost_at_s or time.time()
                self._lost += 1
            self.is_ending = self.is_ending or isinstance(entry, Ended)
        self._wake()

    def waiting(self) -> list[Entry]:
        """What is to be written, oldest first."""
        with self._lock:
            return [*self._settled, *self._open.values()]

    def written(self, entries: list[Entry]) -> None:
        """Forget `entries`, as `waiting` gave them; what has come since stays."""
        with self._lock:
            for entry in entries:
                if isinstance(entry, Said) and not entry.settled:
                    if self._open.get(entry.number) is entry:
                        del self._open[entry.number]
                else:
                    self._settled.popleft()
            if entries and not self.is_ending:
                self._note_loss()

    def _note_loss(self) -> None:
        if self._lost:
            self._settled.append(Lost(self._lost_at_s, self._lost))
            self._lost, self._lost_at_s = 0, 0.0
