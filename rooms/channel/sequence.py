"""Each message once and in order, over connections that lose some: numbers, acknowledgements, and sending again.

No clock and no socket in here: times are arguments. The page's end is `web/client/src/lib/channel/sequence.ts`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    Body = Mapping[str, object]

WINDOW = 64
"""So many messages may be under way; a receiver holds as many that came too early."""
RESEND_S = 1.0
LONGEST_RESEND_S = 8.0


@dataclass(eq=False)
class Parcel:
    """A message that is under way until its number is acknowledged."""

    body: Body
    seq: int
    sent_at_s: float | None = None
    times: int = 0

    def due_s(self, resend_s: float) -> float:
        """When it is to be sent next."""
        if self.sent_at_s is None:
            return 0.0
        return self.sent_at_s + min(resend_s * 2 ** (self.times - 1), max(LONGEST_RESEND_S, resend_s))


class Outbox:
    """What is to be sent. Numbers are given when a message leaves for the first time."""

    def __init__(self, *, most_waiting: int, resend_s: float = RESEND_S) -> None:
        self.most_waiting = most_waiting
        self.resend_s = resend_s
        self._waiting: deque[Body] = deque()
        self._under_way: deque[Parcel] = deque()
        self._last_seq = 0

    def __repr__(self) -> str:
        return f"<Outbox {len(self._waiting)} waiting, {len(self._under_way)} under way, last {self._last_seq}>"

    @property
    def full(self) -> bool:
        return len(self._waiting) >= self.most_waiting

    @property
    def empty(self) -> bool:
        return not self._waiting and not self._under_way

    def put(self, body: Body) -> None:
        self._waiting.append(body)

    def take_due(self, now_s: float) -> list[Parcel]:
        """What is to be sent now, and is taken for sent."""
        while self._waiting and len(self._under_way) < WINDOW:
            self._last_seq += 1
            self._under_way.append(Parcel(self._waiting.popleft(), self._last_seq))
        due = [parcel for parcel in self._under_way if parcel.due_s(self.resend_s) <= now_s]
        for parcel in due:
            parcel.sent_at_s = now_s
            parcel.times += 1
        return due

    def next_due_s(self) -> float | None:
        """When `take_due` has something again, unless there are news; None: never."""
        return min((parcel.due_s(self.resend_s) for parcel in self._under_way), default=None)

    def acknowledged(self, ack: int) -> bool:
        """All up to `ack` have arrived. False for a number that was never given."""
        if ack > self._last_seq:
            return False
        while self._under_way and self._under_way[0].seq <= ack:
            self._under_way.popleft()
        return True

    def reconnected(self) -> None:
        """What is under way may have been lost with the connection: it is due at once."""
        for parcel in self._under_way:
            parcel.sent_at_s, parcel.times = None, 0


class Inbox:
    """What has come, put in order."""

    def __init__(self) -> None:
        self.received = 0
        self._early: dict[int, Body] = {}

    def take(self, seq: int, body: Body) -> list[Body]:
        """The messages that can be read now. What came before, or comes far too early, is dropped."""
        if seq <= self.received or seq > self.received + WINDOW:
            return []
        self._early[seq] = body
        ready: list[Body] = []
        while (next_body := self._early.pop(self.received + 1, None)) is not None:
            self.received += 1
            ready.append(next_body)
        return ready
