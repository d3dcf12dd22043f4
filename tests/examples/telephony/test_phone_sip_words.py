"""Failures in words: through the real client, from a bridge that says them and from a server that has no SIP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from livekit import api

from examples.telephony.simulated.exchange import Callee
from examples.telephony.simulated.sip_api import SimulatedSip
from examples.telephony.sip_words import NO_REDIS, failure_of

if TYPE_CHECKING:
    from sim.livekit_server import LocalLiveKit

TRUNK = api.SIPOutboundTrunkInfo(name="out", address="sip.example", numbers=["+4930123456"])


async def call(lk: api.LiveKitAPI, trunk_id: str) -> Exception:
    request = api.CreateSIPParticipantRequest(
        room_name="words",
        participant_identity="callee",
        sip_trunk_id=trunk_id,
        sip_call_to="+4930222222",
        wait_until_answered=True,
    )
    with pytest.raises((api.ServerError, OSError)) as error:
        await lk.sip.create_sip_participant(request)
    return error.value


@pytest.mark.parametrize(
    ("status", "reason", "kind", "words"),
    [
        (486, "Busy Here", "busy", "the line is busy (SIP 486 Busy Here)"),
        (603, "Decline", "declined", "the call was declined (SIP 603 Decline)"),
        (480, "Temporarily Unavailable", "unreachable", "(SIP 480 Temporarily Unavailable)"),
        (408, "Request Timeout", "no answer", "nobody answered (SIP 408"),
        (404, "Not Found", "number", "the number does not exist"),
        (407, "Proxy Authentication Required", "trunk", "user name or password (SIP 407"),
        (503, "Service Unavailable", "trunk", "did not take the call (SIP 503"),
    ],
)
async def test_a_status_of_sip(livekit: LocalLiveKit, status: int, reason: str, kind: str, words: str) -> None:
    """Kind and words tell a caller what happened, the status tells who looks after the trunk."""
    async with SimulatedSip(livekit) as sip:
        sip.exchange.callees = {"+4930222222": Callee(rings_s=0.0, status=status, reason=reason)}
        async with api.LiveKitAPI(sip.url, livekit.api_key, livekit.api_secret) as lk:
            made = await lk.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=TRUNK))
            failure = failure_of(await call(lk, made.sip_trunk_id))
    assert (failure.kind, failure.status) == (kind, status)
    assert words in str(failure)


async def test_a_trunk_that_is_not_there_and_a_key_that_is_wrong(livekit: LocalLiveKit) -> None:
    """Both are LiveKit's word, and not the far end's."""
    async with SimulatedSip(livekit) as sip:
        async with api.LiveKitAPI(sip.url, livekit.api_key, livekit.api_secret) as lk:
            assert "sip trunk does not exist" in str(failure_of(await call(lk, "ST_gone")))
        async with api.LiveKitAPI(sip.url, livekit.api_key, "x" * 40) as lk:
            assert "refuses the key" in str(failure_of(await call(lk, "ST_gone")))
        assert [name for name, _ in sip.requests] == ["CreateSIPParticipant"]


async def test_livekit_server_without_redis(livekit: LocalLiveKit) -> None:
    """The real server says what it lacks, and we say what to do."""
    async with api.LiveKitAPI(livekit.url, livekit.api_key, livekit.api_secret) as lk:
        failure = failure_of(await call(lk, "ST_any"))
    assert (failure.kind, str(failure)) == ("livekit", NO_REDIS)


async def test_no_server_at_all() -> None:
    """The settings are what is asked about."""
    async with api.LiveKitAPI("http://127.0.0.1:9", "key", "secret" * 6) as lk:
        assert "is LIVEKIT_URL right" in str(failure_of(await call(lk, "ST_any")))


def test_a_bug_is_no_failure_of_the_call() -> None:
    """What LiveKit's client does not raise comes out as it went in."""
    with pytest.raises(KeyError):
        failure_of(KeyError("bug"))
