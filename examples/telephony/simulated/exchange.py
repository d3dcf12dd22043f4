"""The telephone network behind the simulated bridge: who answers, who is busy, and where calls are passed on to."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from secrets import token_hex
from typing import TYPE_CHECKING

from livekit import rtc

from examples.telephony import line
from examples.telephony.simulated.phone import Phone
from sim.caller import CallerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from livekit import api
    from livekit.protocol.sip import SIPDispatchRuleInfo, SIPInboundTrunkInfo

    from sim.livekit_server import LocalLiveKit

_Reason = rtc.DisconnectReason
DECLINED = (486, 600, 603, 607, 608)
BRIDGING_S = 0.1
"""From picking up to sound both ways; with livekit/sip until the first RTP packet, 1 s at most."""


class SipAnswer(Exception):
    """What the far end says instead of answering: a final status of SIP."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason


@dataclass(frozen=True)
class Callee:
    """How one number behaves. `status` None: it answers after `rings_s`; else that is its answer."""

    rings_s: float = 0.2
    status: int | None = None
    reason: str = ""


@dataclass
class Exchange:
    """`callees` by number; one that is not listed answers. `phones` are in calls now, by the calls' ids.

    `transfers`: each call that was passed on, with its target. `refuse`: targets that are not reached, by URI.
    """

    livekit: LocalLiveKit
    callees: Mapping[str, Callee] = field(default_factory=dict[str, Callee])
    refuse: Mapping[str, SipAnswer] = field(default_factory=dict[str, SipAnswer])
    phones: dict[str, Phone] = field(default_factory=dict[str, Phone])
    transfers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    _dialling: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def dial(self, request: api.CreateSIPParticipantRequest, our_number: str) -> Phone:
        """Into the room at once, ringing there; `wait_until_answered` waits, and raises `SipAnswer`."""
        call_id = f"SCL_{token_hex(6)}"
        callee = self.callees.get(request.sip_call_to, Callee())
        phone = self._phone(
            request.room_name,
            request.participant_identity,
            {
                line.CALL_ID: call_id,
                line.NUMBER: request.sip_call_to,
                line.OUR_NUMBER: request.sip_number or our_number,
                line.CALL_STATUS: "dialing",
            },
        )
        await phone.connect()
        self.phones[call_id] = phone
        limit_s = request.ringing_timeout.seconds if request.HasField("ringing_timeout") else 30
        ringing = asyncio.create_task(self._ring(phone, call_id, callee, limit_s), name=f"ringing {call_id}")
        if request.wait_until_answered:
            await ringing
        else:
            self._dialling.add(ringing)
            ringing.add_done_callback(self._dialling.discard)
        return phone

    async def call_in(self, trunk: SIPInboundTrunkInfo, rule: SIPDispatchRuleInfo, *, number: str) -> Phone:
        """Somebody with `number` calls the trunk's first number; returns when the call is active.

        Raises `CallerTimeout` if no agent comes.
        """
        call_id = f"SCL_{token_hex(6)}"
        room = f"{rule.rule.dispatch_rule_individual.room_prefix}{token_hex(6)}"
        phone = self._phone(
            room,
            f"sip_{number}",
            {
                line.CALL_ID: call_id,
                line.NUMBER: number,
                line.OUR_NUMBER: trunk.numbers[0],
                line.RULE_ID: rule.sip_dispatch_rule_id,
                line.CALL_STATUS: "ringing",
            },
            rule,
        )
        await phone.connect()
        self.phones[call_id] = phone
        await phone.let_in(bridging_s=BRIDGING_S, timeout_s=15.0)
        return phone

    async def refer(self, request: api.TransferSIPParticipantRequest) -> None:
        """Raises KeyError for a call that is not there, and `SipAnswer` for a target that is not reached."""
        call_id, phone = next(
            (each for each in self.phones.items() if each[1].identity == request.participant_identity), (None, None)
        )
        if call_id is None or phone is None:
            raise KeyError(request.participant_identity)
        if (refused := self.refuse.get(request.transfer_to)) is not None:
            raise refused
        self.transfers.append((call_id, request.transfer_to))
        await self._leave(call_id)

    async def hang_up(self, phone: Phone) -> None:
        for call_id, each in list(self.phones.items()):
            if each is phone:
                await self._leave(call_id)

    async def aclose(self) -> None:
        for task in list(self._dialling):
            task.cancel()
        await asyncio.gather(*self._dialling, return_exceptions=True)
        for call_id in list(self.phones):
            await self._leave(call_id)

    def _phone(
        self, room: str, identity: str, attributes: Mapping[str, str], rule: SIPDispatchRuleInfo | None = None
    ) -> Phone:
        server = self.livekit
        config = rule.room_config if rule is not None else None
        return Phone(
            server.url,
            server.api_key,
            server.api_secret,
            room=room,
            identity=identity,
            attributes=attributes,
            config=config,
        )

    async def _ring(self, phone: Phone, call_id: str, callee: Callee, limit_s: float) -> None:
        await phone.tell_status("ringing")
        await asyncio.sleep(min(callee.rings_s, limit_s))
        if callee.status is None and callee.rings_s <= limit_s:
            await phone.pick_up()
            return
        declined = callee.status in DECLINED
        await self._leave(call_id, _Reason.USER_REJECTED if declined else _Reason.USER_UNAVAILABLE)
        if callee.status is None:
            raise TimeoutError
        raise SipAnswer(callee.status, callee.reason)

    async def _leave(self, call_id: str, reason: rtc.DisconnectReason.ValueType = _Reason.CLIENT_INITIATED) -> None:
        phone = self.phones.pop(call_id, None)
        if phone is not None:
            with contextlib.suppress(CallerError):
                await phone.leave(reason)
