"""Who is on the line? What livekit/sip tells about a call by telephone in its participant's attributes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from livekit import rtc
from livekit.agents import AutoSubscribe, JobContext

CALL_STATUS = "sip.callStatus"
"""dialing, ringing, automation (keys are being sent), active, hangup."""
CALL_ID = "sip.callID"
NUMBER = "sip.phoneNumber"
"""The other side's number, whoever called whom; missing where it is withheld."""
OUR_NUMBER = "sip.trunkPhoneNumber"
RULE_ID = "sip.ruleID"
"""The dispatch rule that let a call in; a call that we placed has none."""
ACTIVE = "active"


@dataclass(frozen=True)
class PhoneCall:
    """One call by telephone, as its attributes tell it; "" is what they do not tell."""

    identity: str
    number: str
    our_number: str
    call_id: str
    status: str
    inbound: bool

    @property
    def answered(self) -> bool:
        return self.status == ACTIVE


def phone_call(participant: rtc.RemoteParticipant) -> PhoneCall | None:
    """None for somebody who is not on the telephone. The attributes are livekit/sip's own word."""
    if participant.kind != rtc.ParticipantKind.PARTICIPANT_KIND_SIP:
        return None
    told = participant.attributes
    return PhoneCall(
        identity=participant.identity,
        number=told.get(NUMBER, ""),
        our_number=told.get(OUR_NUMBER, ""),
        call_id=told.get(CALL_ID, ""),
        status=told.get(CALL_STATUS, ""),
        inbound=bool(told.get(RULE_ID)),
    )


class Line:
    """Watches one room. `open` is done when somebody can hear the agent: a telephone once its call is active.

    Somebody without a telephone, as on the page of `dev`, can hear it as soon as they are there. `missed` is done,
    with the reason that LiveKit gives, when a telephone leaves that was never active.
    """

    def __init__(self, room: rtc.Room) -> None:
        loop = asyncio.get_running_loop()
        self.open: asyncio.Future[rtc.RemoteParticipant] = loop.create_future()
        self.missed: asyncio.Future[str] = loop.create_future()
        self._room = room
        room.on("participant_connected", self._look_at)
        room.on("participant_attributes_changed", self._changed)
        room.on("participant_disconnected", self._left)

    async def look(self, context: JobContext) -> None:
        """Whoever was there before us makes no event: look once the room is joined. Raises what joining does."""
        await context.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)  # as the call itself does it
        for participant in list(self._room.remote_participants.values()):
            self._look_at(participant)

    def close(self) -> None:
        """Any number of times."""
        self._room.off("participant_connected", self._look_at)
        self._room.off("participant_attributes_changed", self._changed)
        self._room.off("participant_disconnected", self._left)
        self.open.cancel()
        self.missed.cancel()

    def _look_at(self, participant: rtc.RemoteParticipant) -> None:
        if participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_AGENT or self.open.done():
            return
        call = phone_call(participant)
        if call is None or call.answered:
            self.open.set_result(participant)

    def _changed(self, _: dict[str, str], participant: rtc.Participant) -> None:
        if isinstance(participant, rtc.RemoteParticipant):
            self._look_at(participant)

    def _left(self, participant: rtc.RemoteParticipant) -> None:
        if phone_call(participant) is not None and not self.open.done() and not self.missed.done():
            self.missed.set_result(
                rtc.DisconnectReason.Name(participant.disconnect_reason or rtc.DisconnectReason.UNKNOWN_REASON)
            )
