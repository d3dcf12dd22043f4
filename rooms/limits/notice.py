"""What a participant is told whose track is one too many: a data message.

Topic `firstword.limit`, and as JSON: `version` 1, `limit` (the setting's name), `allowed`, `count`, `track` (its sid),
`kind` ("audio" or "video"), `action` ("mute", "remove", or "free": a place is free again and the track may be
unmuted), `message` (a sentence).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

from livekit import api
from livekit.protocol.models import DataPacket

TOPIC = "firstword.limit"
VERSION = 1

Kind = Literal["audio", "video"]
Action = Literal["mute", "remove", "free"]


@dataclass(frozen=True, slots=True)
class Notice:
    kind: Kind
    track: str
    allowed: int
    count: int
    action: Action

    @property
    def limit(self) -> str:
        return f"max_{self.kind}_tracks_per_room"

    @property
    def message(self) -> str:
        full = f"This room has {self.count} {self.kind} tracks and the most is {self.allowed}"
        if self.action == "mute":
            return f"{full}: yours was muted."
        if self.action == "remove":
            return f"{full}: you were removed from it."
        return f"A place for {self.kind} is free: you may unmute your track."

    def as_json(self) -> str:
        return json.dumps(
            {
                "version": VERSION,
                "limit": self.limit,
                "allowed": self.allowed,
                "count": self.count,
                "kind": self.kind,
                "track": self.track,
                "action": self.action,
                "message": self.message,
            }
        )


async def tell(lk: api.LiveKitAPI, room: str, identity: str, notice: Notice) -> None:
    """Raises what LiveKitAPI raises."""
    await lk.room.send_data(
        api.SendDataRequest(
            room=room,
            data=notice.as_json().encode(),
            kind=DataPacket.Kind.RELIABLE,
            destination_identities=[identity],
            topic=TOPIC,
        )
    )
