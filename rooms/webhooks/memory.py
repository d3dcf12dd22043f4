"""What a receiver of webhooks has to remember: which events it had, and what has ended."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from livekit import api

MOST = 10_000

ROOM_ENDS = ("room_finished",)
PARTICIPANT_ENDS = ("participant_left", "participant_connection_aborted")
TRACK_ENDS = ("track_unpublished",)
EGRESS_ENDS = ("egress_ended",)
BEGINNINGS = ("room_started", "participant_joined", "track_published", "egress_started", "egress_updated")


class Seen:
    """Ids of events, each for `keep_s`, and of more than `most` the newest."""

    def __init__(self, keep_s: float, *, most: int = MOST) -> None:
        self._keep_s = keep_s
        self._most = most
        self._until: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def __contains__(self, event_id: object) -> bool:
        return event_id in self._until

    def add(self, event_id: str, now_s: float) -> None:
        self._until[event_id] = now_s + self._keep_s
        while self._until and (len(self._until) > self._most or next(iter(self._until.values())) <= now_s):
            self._until.popitem(last=False)


class Ended:
    """Rooms, participants, tracks and egresses that have ended, by sid: livekit-server gives no sid a second time.

    Order is kept by LiveKit for one room and one receiver, until a request is repeated or a room has moved between
    nodes. Then a beginning may come after its own end, and would bring back what is gone.
    """

    def __init__(self, *, most: int = MOST) -> None:
        self._most = most
        self._sids: OrderedDict[str, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sids)

    def overtook(self, event: api.WebhookEvent) -> bool:
        """True for a beginning whose end, or the end of the room or participant it belongs to, was there before."""
        if event.event not in BEGINNINGS:
            return False
        belongs_to = (event.room.sid, event.participant.sid, event.track.sid, event.egress_info.egress_id)
        return any(sid in self._sids for sid in belongs_to if sid)

    def note(self, event: api.WebhookEvent) -> None:
        """Remember what `event` ends, if it does."""
        for kinds, sid in (
            (ROOM_ENDS, event.room.sid),
            (PARTICIPANT_ENDS, event.participant.sid),
            (TRACK_ENDS, event.track.sid),
            (EGRESS_ENDS, event.egress_info.egress_id),
        ):
            if event.event in kinds and sid:
                self._sids[sid] = None
                self._sids.move_to_end(sid)
        while len(self._sids) > self._most:
            self._sids.popitem(last=False)
