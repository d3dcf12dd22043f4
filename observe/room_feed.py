"""A call's timings, sent to its room for whoever shows them there. For development: callers see it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from livekit import rtc

    from observe.data_packets import DataPackets
    from observe.observer import CallRecord, TurnRecord

TOPIC = "firstword.timeline"


class RoomFeed:
    """Sends `start` after the first word and `turn` after each turn, as JSON text streams.

    `packets` takes the same JSON to those in the room whom no stream reaches: `{"topic", "message": <the JSON>}`.
    """

    def __init__(self, room: rtc.Room, packets: DataPackets | None = None) -> None:
        self._room = room
        self._packets = packets

    async def started(self, call: CallRecord) -> None:
        await self._send({"v": 1, "kind": "start", "t0": "dispatch", "labels": call.labels, **call.start.as_dict()})

    async def turned(self, call: CallRecord, turn: TurnRecord) -> None:
        await self._send(
            {
                "v": 1,
                "kind": "turn",
                "n": turn.number,
                "gap_ms": _round(turn.gap_ms),
                "overhead_ms": _round(turn.overhead_ms),
                "speculated": turn.speculated,
                "opener": turn.opener,
                "cut_off": turn.cut_off,
                **turn.timeline.as_dict(),
            }
        )

    async def ended(self, call: CallRecord) -> None:
        """Nobody is left in the room to read it."""

    async def _send(self, message: dict[str, Any]) -> None:
        text = json.dumps(message)
        if self._packets is not None:
            # Not for one who comes again: what they have seen already would be counted twice.
            key = f"{TOPIC} {message['kind']} {message.get('n', '')}"
            self._packets.put(key, {"topic": TOPIC, "message": text}, keep=False)
        if self._room.isconnected():
            await self._room.local_participant.send_text(text, topic=TOPIC)


def _round(value_ms: float | None) -> float | None:
    return None if value_ms is None else round(value_ms, 1)
