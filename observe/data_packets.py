"""What is told to callers who came without the SDK: plain data packets, for text streams do not reach them.

A WHIP caller has one data channel, which its page opens. What is sent before it is open is lost, and nobody is told
when it is: so the page says anything on it, as ours does, and is sent what waits. One that says nothing is sent it
SILENT_S later.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from livekit import rtc

from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    Message = Mapping[str, object]
    Start = Callable[[Coroutine[Any, Any, None]], object]

log = get_logger("observe")

TRANSPORT_ATTRIBUTE = "firstword.transport"
WHIP = "whip"
MAX_BYTES = 15_000  # of one packet: LiveKit's limit for what has to arrive
MAX_KEPT = 40  # messages for one who comes again
PAUSE_S = 0.1  # between two packets of one key: a line that grows is read no faster
SILENT_S = 2.0  # a channel that is not open by then will not be


@dataclass
class _Reader:
    """One such caller: what they have not been sent, by key, and whether they can be sent anything."""

    identity: str
    owed: dict[str, Message] = field(default_factory=dict[str, "Message"])
    open: bool = False


class DataPackets:
    """Messages to callers whose attribute `firstword.transport` is "whip"; without such a caller it does nothing.

    A message has a key: a newer one takes the place of an older one that has not been sent. Nothing is sent before
    `begin`. `start` runs a task until the end of the call.
    """

    def __init__(self, room: rtc.Room, start: Start) -> None:
        self._room = room
        self._start = start
        self._readers: dict[str, _Reader] = {}
        self._kept: dict[str, Message] = {}
        self._begun = asyncio.Event()
        self._news = asyncio.Event()
        self._wanted = False

    @property
    def wanted(self) -> bool:
        """Such a caller is in the room, or was."""
        return self._wanted

    def begin(self) -> None:
        """From now on messages are sent, those that wait first."""
        self._begun.set()

    def joined(self, participant: rtc.RemoteParticipant) -> None:
        """Called for everybody who is in the room or comes; whoever needs no packets is passed over."""
        if participant.attributes.get(TRANSPORT_ATTRIBUTE) != WHIP or participant.sid in self._readers:
            return
        self._readers[participant.sid] = _Reader(participant.identity, dict(self._kept))
        if not self._wanted:
            self._wanted = True
            self._room.on("participant_active", self._on_active)
            self._room.on("participant_disconnected", self._on_left)
            self._room.on("data_received", self._on_data)
            self._start(self._send())
        if participant.state == rtc.ParticipantState.PARTICIPANT_STATE_ACTIVE:
            self._on_active(participant)

    def put(self, key: str, message: Message, *, keep: bool = True) -> None:
        """Send `message`, soon. With `keep` one who comes later is sent it, too."""
        if not self._wanted:
            return
        for reader in self._readers.values():
            reader.owed[key] = message
        if keep:
            self._kept[key] = message
            if len(self._kept) > MAX_KEPT:
                del self._kept[next(iter(self._kept))]
        self._news.set()

    def _on_active(self, participant: rtc.RemoteParticipant) -> None:
        if participant.sid in self._readers:
            self._start(self._open_at_last(participant.sid))

    async def _open_at_last(self, sid: str) -> None:
        await asyncio.sleep(SILENT_S)
        self._open(sid)

    def _on_data(self, packet: rtc.DataPacket) -> None:
        if packet.participant is not None:
            self._open(packet.participant.sid)

    def _open(self, sid: str) -> None:
        reader = self._readers.get(sid)
        if reader is not None and not reader.open:
            reader.open = True
            self._news.set()

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        self._readers.pop(participant.sid, None)

    async def _send(self) -> None:
        await self._begun.wait()
        while True:
            await self._news.wait()
            self._news.clear()
            for reader in [reader for reader in self._readers.values() if reader.open]:
                owed, reader.owed = reader.owed, {}
                for message in owed.values():
                    await self._publish(message, reader.identity)
            await asyncio.sleep(PAUSE_S)

    async def _publish(self, message: Message, identity: str) -> None:
        payload = packed(message)
        if payload is None:
            log.warning("message too long for a data packet", topic=message["topic"], max_bytes=MAX_BYTES)
        elif self._room.isconnected():
            try:
                await self._room.local_participant.publish_data(
                    payload, destination_identities=[identity], topic=str(message["topic"])
                )
            except rtc.participant.PublishDataError as error:
                log.debug("data packet not sent", error=type(error).__name__)


def packed(message: Message) -> bytes | None:
    """`message` as JSON in at most MAX_BYTES. A longer "text" is cut; None for what cannot be."""
    payload = json.dumps(message, ensure_ascii=False).encode()
    text = message.get("text")
    while len(payload) > MAX_BYTES:
        if not isinstance(text, str) or not text:
            return None
        text = text[: min(len(text) - 1, len(text) * MAX_BYTES // len(payload))]
        payload = json.dumps({**message, "text": f"{text}…"}, ensure_ascii=False).encode()
    return payload
