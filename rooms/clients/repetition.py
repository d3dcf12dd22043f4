"""Which request may be sent a second time when nobody knows what became of the first. Pure."""

from __future__ import annotations

import aiohttp
from google.protobuf.message import DecodeError
from livekit import api

from rooms.clients.errors import NotReached

REPEATABLE = frozenset(
    {
        # Twice is once: they read, they set a state, or a second one finds what the first has made. A second delete
        # may be answered with "not found", which whoever deletes has to expect anyway.
        "RoomService/CreateRoom",
        "RoomService/ListRooms",
        "RoomService/DeleteRoom",
        "RoomService/UpdateRoomMetadata",
        "RoomService/ListParticipants",
        "RoomService/GetParticipant",
        "RoomService/RemoveParticipant",
        "RoomService/MutePublishedTrack",
        "RoomService/UpdateParticipant",
        "RoomService/UpdateSubscriptions",
        "AgentDispatchService/ListDispatch",
        "AgentDispatchService/DeleteDispatch",
        "Egress/UpdateLayout",
        "Egress/ListEgress",
        "Egress/StopEgress",
        "Ingress/UpdateIngress",
        "Ingress/ListIngress",
        "Ingress/DeleteIngress",
        "SIP/ListSIPInboundTrunk",
        "SIP/ListSIPOutboundTrunk",
        "SIP/ListSIPDispatchRule",
        "SIP/DeleteSIPTrunk",
        "SIP/DeleteSIPDispatchRule",
    }
)
ONCE = frozenset(
    {
        # Each of them does something more each time; so may any that is in neither list.
        "RoomService/ForwardParticipant",
        "RoomService/MoveParticipant",
        "RoomService/SendData",
        "AgentDispatchService/CreateDispatch",
        "Egress/StartEgress",
        "Egress/StartRoomCompositeEgress",
        "Egress/StartWebEgress",
        "Egress/StartParticipantEgress",
        "Egress/StartTrackCompositeEgress",
        "Egress/StartTrackEgress",
        "Egress/UpdateStream",
        "Ingress/CreateIngress",
        "SIP/CreateSIPInboundTrunk",
        "SIP/CreateSIPOutboundTrunk",
        "SIP/CreateSIPDispatchRule",
        "SIP/CreateSIPParticipant",
        "SIP/TransferSIPParticipant",
        # A list in an update may say "add".
        "SIP/UpdateSIPInboundTrunk",
        "SIP/UpdateSIPOutboundTrunk",
        "SIP/UpdateSIPDispatchRule",
        "Connector/DialWhatsAppCall",
        "Connector/DisconnectWhatsAppCall",
        "Connector/ConnectWhatsAppCall",
        "Connector/AcceptWhatsAppCall",
        "Connector/ConnectTwilioCall",
    }
)
GATEWAY_STATUSES = (502, 503, 504)
FAILURES = (aiohttp.ClientError, TimeoutError, api.ServerError, DecodeError)
"""What a request of LiveKitAPI ends with; the last one is of an answer that is not LiveKit's."""


def may_be_sent_again(service: str, method: str, error: Exception) -> bool:
    """Whether the request that ended with `error` may be sent again: it did not leave, or twice is as good as once."""
    if isinstance(error, NotReached):
        return False  # it has waited for as long as it may
    if was_not_sent(error):
        return True
    return no_answer(error) and f"{service}/{method}" in REPEATABLE


def was_not_sent(error: BaseException) -> bool:
    """True if there was no connection to send it on. Of a connection that broke nobody knows."""
    return isinstance(error, (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError))


def no_answer(error: BaseException) -> bool:
    """True if LiveKit has not answered: connection or time came to an end, or somebody else answered in its place."""
    if isinstance(error, api.ServerError):
        # LiveKit names a code; "unavailable" is one of them, and an answer: of a room that is closed, for example.
        return error.status in GATEWAY_STATUSES and error.code == api.ServerErrorCode.UNKNOWN
    return isinstance(error, (aiohttp.ClientError, TimeoutError, DecodeError))
