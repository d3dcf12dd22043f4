"""The caller, where only they can tell whom they call."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from livekit import rtc
from livekit.agents import AutoSubscribe

if TYPE_CHECKING:
    from livekit.agents import JobContext

_KINDS = (
    rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD,
    rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
    rtc.ParticipantKind.PARTICIPANT_KIND_CONNECTOR,
)
"""No agent, no recorder."""


CALLERS_NUMBER = "sip.phoneNumber"
"""livekit-sip's attribute of a caller by telephone: their own number."""


def caller_name(participant: rtc.RemoteParticipant) -> str:
    """What comes again when they call again: their number, else the identity that their token gives them."""
    by_telephone = participant.kind == rtc.ParticipantKind.PARTICIPANT_KIND_SIP
    return (participant.attributes.get(CALLERS_NUMBER, "") if by_telephone else "") or participant.identity


async def caller_of(context: JobContext) -> rtc.RemoteParticipant:
    """The first caller in the job's room, as soon as they join; it is joined by this if it is not yet.

    Raises what joining does.
    """
    # As the call itself does it: whoever comes second finds the room joined.
    await context.connect(auto_subscribe=AutoSubscribe.AUDIO_ONLY)
    came: asyncio.Future[rtc.RemoteParticipant] = asyncio.get_running_loop().create_future()

    def note(participant: rtc.RemoteParticipant) -> None:
        if participant.kind in _KINDS and not came.done():
            came.set_result(participant)

    context.room.on("participant_connected", note)
    try:
        for participant in list(context.room.remote_participants.values()):
            note(participant)
        return await came
    finally:
        context.room.off("participant_connected", note)
