"""Passing a call on: words to the caller first, then REFER; what fails comes back to the agent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.protocol import sip as wire

from examples.telephony.numbers import masked, transfer_target
from examples.telephony.sip_words import Failure, failure_of
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from livekit.agents import AgentSession
    from livekit.api.sip_service import SipService

log = get_logger("phone")

RING_S = 20


async def transfer(
    session: AgentSession[None], sip: SipService, *, room: str, identity: str, to: str, words: str
) -> Failure | None:
    """Say `words` to their end, then pass the telephone `identity` on to `to` and be rid of it.

    `to`: a number, or a sip:, sips: or tel: URI. Returns why it failed, and the caller is still there; None if it did
    not: livekit/sip then ends the call in this room. Raises `NumberProblem` before a word is said.
    """
    target = transfer_target("to", to)
    await session.say(words, allow_interruptions=False)  # who talks over it is transferred all the same
    return await refer(sip, room=room, identity=identity, target=target)


async def refer(sip: SipService, *, room: str, identity: str, target: str, ring_s: int = RING_S) -> Failure | None:
    """The REFER alone; `target` is a URI, `ring_s` how long the new side may ring."""
    request = api.TransferSIPParticipantRequest(
        room_name=room,
        participant_identity=identity,
        transfer_to=target,
        play_dialtone=True,  # the caller hears that something happens
        ringing_timeout=Duration(seconds=ring_s),
    )
    try:
        told = await sip.transfer_sip_participant(request)
    except Exception as error:  # noqa: BLE001  # failure_of raises what is no failure of the transfer
        failure = failure_of(error)
    else:
        # livekit-server 1.13.5 answers with an empty message, which reads as "ongoing": only "failed" is a failure.
        if told.status != wire.SIPTransferStatus.STS_TRANSFER_FAILED:
            log.info("call transferred", to=masked(target))
            return None
        reason = wire.SIPTransferReason.Name(told.reason)
        meta = {"sip_transfer_reason": reason, "sip_status": told.sip_status.status}
        if told.sip_status.code:
            meta["sip_status_code"] = str(int(told.sip_status.code))
        failure = failure_of(api.SipCallError("aborted", "", status=409, metadata=meta))
    log.warning("transfer failed", to=masked(target), reason=str(failure))
    return failure
