"""We call: the agent is there before it rings, silent until somebody answers, and gone when nobody does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from livekit import api
from phone_setup import CALLEE, leads_to, plan_of, run_module, trunk_of

from examples.telephony.agent import GREETING, MESSAGE
from examples.telephony.numbers import NumberProblem
from examples.telephony.outbound import CallFailed, CallPlan, place_call
from examples.telephony.simulated.exchange import Callee
from examples.telephony.voicemail import Answer
from rooms.dispatch import DispatchError

if TYPE_CHECKING:
    from phone_setup import Asked

    from examples.telephony.simulated.place import Place
    from sim.livekit_server import LocalLiveKit


async def test_a_call_that_is_answered(place: Place, asked: Asked) -> None:
    """Its first sound comes after the pick-up and is the greeting; the detector is asked who it is."""
    place.sip.exchange.callees = {CALLEE: Callee(rings_s=1.0)}
    placed = await place_call(place.lk, plan_of(place))
    phone = place.sip.exchange.phones[placed.sip_call_id]
    assert phone.answered_at is not None
    word = await phone.first_word(20)
    assert word.first_audible_at > phone.answered_at
    await phone.hear(GREETING, timeout_s=20)
    assert [(call.number, call.inbound, call.identity) for call in asked.calls] == [(CALLEE, False, "callee")]
    request = place.sip.requests[-1][1]
    assert isinstance(request, api.CreateSIPParticipantRequest)
    assert (request.wait_until_answered, request.ringing_timeout.seconds, request.play_dialtone) == (True, 20, False)


async def test_a_machine_answers(place: Place, asked: Asked) -> None:
    """A detector that says so has the agent leave its message and hang up."""
    asked.answer = Answer.MACHINE
    placed = await place_call(place.lk, plan_of(place))
    phone = place.sip.exchange.phones[placed.sip_call_id]
    await phone.hear(MESSAGE, timeout_s=20)
    assert await phone.disconnected(timeout_s=30) == "ROOM_DELETED"


async def test_calls_that_nobody_answers(place: Place) -> None:
    """Each is told in words, and the agent's job is over; without an agent nobody's telephone rings."""
    agent, trunk = place.settings.agent_name, trunk_of(place)
    numbers = {
        "+4930111111": Callee(status=486, reason="Busy Here"),
        "+4930111112": Callee(rings_s=9.0),
    }
    place.sip.exchange.callees = numbers
    plans = [
        (CallPlan("+4930111111", trunk, agent), "the line is busy (SIP 486 Busy Here)"),
        (CallPlan("+4930111112", trunk, agent, ring_s=1), "nobody answered"),
        (CallPlan(CALLEE, "ST_gone", agent), "LiveKit does not know it: requested sip trunk does not exist"),
    ]
    for plan, words in plans:
        with pytest.raises(CallFailed) as error:
            await place_call(place.lk, plan)
        assert str(error.value) == words
    await place.idle()
    assert len(place.sip.requests) == len(plans)
    with pytest.raises(DispatchError, match="AGENT_NAME=nobody"):
        await place_call(place.lk, CallPlan(CALLEE, trunk, "nobody"), agent_limit_s=0.3)
    assert len(place.sip.requests) == len(plans)


async def test_the_command(place: Place, livekit: LocalLiveKit) -> None:
    """Exit code 0 with room and call, 1 with the reason in words and the number masked."""
    place.sip.exchange.callees = {"+4930111111": Callee(status=603, reason="Decline")}
    where = leads_to(place.sip.url, livekit)
    command, trunk = "examples.telephony.outbound", trunk_of(place)
    answered, declined = await asyncio.gather(
        run_module(command, CALLEE, "--trunk", trunk, environment=where),
        run_module(command, "+4930111111", "--trunk", trunk, environment=where),
    )
    assert answered[0] == 0
    assert "answered: room phone-" in answered[1]
    assert declined[0] == 1
    assert "+49…11: the call was declined (SIP 603 Decline)" in declined[1]
    assert "+4930111111" not in declined[1]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"to": "030"}, "to: got '030', allowed: E.164"),
        ({"caller_id": "bistro"}, "caller_id: got 'bistro', allowed: E.164"),
        ({"trunk_id": "carrier"}, "trunk: got 'carrier', allowed: the id of an outbound trunk"),
        ({"ring_s": 81}, "ring_s: got 81, allowed: 1 to 80"),
    ],
)
def test_a_plan_that_cannot_be_dialled(fields: dict[str, object], named: str) -> None:
    """The field, the value and what is allowed."""
    good: dict[str, object] = {"to": CALLEE, "trunk_id": "ST_1", "agent_name": "firstword"}
    with pytest.raises((NumberProblem, ValueError)) as error:
        CallPlan(**(good | fields))  # pyright: ignore[reportArgumentType]  # the wrong values are the point
    assert named in str(error.value)
