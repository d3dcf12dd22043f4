"""Somebody calls: real room, real worker, a telephone that behaves in the room as livekit/sip does."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from livekit import api
from phone_setup import CALLER, OURS

from examples.telephony.agent import CONNECTING, DIRECTORY
from examples.telephony.simulated.exchange import SipAnswer
from examples.telephony.simulated.script import BOOKED, STILL_HERE

if TYPE_CHECKING:
    from examples.telephony.simulated.place import Place

PERSON, KITCHEN = (f"tel:{DIRECTORY[name]}" for name in ("person", "kitchen"))


async def test_a_call_from_ringing_to_transfer(place: Place) -> None:
    """Not a sound before the line is open; keys become a question, and a tool call of the model a REFER."""
    phone = await place.sip.call_in(OURS, number=CALLER)
    assert phone.answered_at is not None
    word = await phone.first_word(20)
    assert word.first_audible_at > phone.answered_at
    await phone.press("427#")
    await phone.hear(BOOKED.format(keys="4 2 7"), timeout_s=20)
    await phone.press("9#")
    await phone.hear(CONNECTING, timeout_s=20)
    assert await phone.disconnected(timeout_s=20) == "CLIENT_INITIATED"
    assert [target for _, target in place.sip.exchange.transfers] == [KITCHEN]
    assert [name for name, _ in place.sip.requests] == ["TransferSIPParticipant"]


async def test_a_transfer_that_fails(place: Place) -> None:
    """The caller hears that it did not work, and is still on the line; the key 0 is what asks for a person."""
    place.sip.exchange.refuse = {PERSON: SipAnswer(480, "Temporarily Unavailable")}
    phone = await place.sip.call_in(OURS, number=CALLER)
    await phone.first_word(20)
    await phone.press("0#")
    await phone.hear(CONNECTING, timeout_s=20)
    await phone.hear(STILL_HERE, timeout_s=20)
    assert place.sip.exchange.transfers == []
    assert phone.room.isconnected()
    request = place.sip.requests[-1][1]
    assert isinstance(request, api.TransferSIPParticipantRequest)
    assert (request.transfer_to, request.participant_identity) == (PERSON, phone.identity)


async def test_a_caller_who_gives_up_while_it_rings(place: Place) -> None:
    """With the agent on its way to them, its job ends, and its room with it."""
    calling = asyncio.create_task(place.sip.call_in(OURS, number=CALLER))
    while not place.sip.exchange.phones:
        await asyncio.sleep(0.01)
    phone = next(iter(place.sip.exchange.phones.values()))
    while not (phone.room.isconnected() and phone.room.remote_participants):
        await asyncio.sleep(0.01)
    calling.cancel()
    await asyncio.wait([calling])
    room = phone.room.name
    await place.sip.exchange.hang_up(phone)
    await place.idle()
    rooms = await place.lk.room.list_rooms(api.ListRoomsRequest(names=[room]))
    assert all(each.num_participants == 0 for each in rooms.rooms)
