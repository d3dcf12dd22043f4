"""LiveKit's SIP API on its wire, Twirp with protobuf, before a livekit-server that has no SIP of its own.

It keeps trunks and rules, places calls on an `Exchange`, keeps every request, and hands what is not SIP's on to the
real livekit-server: one address, as LiveKit has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex
from typing import TYPE_CHECKING, Any, Self, cast

import aiohttp
import jwt
from aiohttp import web
from google.protobuf.empty_pb2 import Empty
from google.protobuf.message import DecodeError, Message
from livekit import api
from livekit.protocol import sip as wire

from examples.telephony.simulated.exchange import Exchange, SipAnswer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from examples.telephony.simulated.phone import Phone
    from sim.livekit_server import LocalLiveKit

HOST = "127.0.0.1"
# As livekit-server answers them: Twirp's code and HTTP status for a status of SIP; see protocol/livekit/sip.go.
SIP_CODES = {
    **dict.fromkeys((401, 407), ("unauthenticated", 401)),
    **dict.fromkeys((403, 603, 607, 608), ("permission_denied", 403)),
    **dict.fromkeys((404, 410, 604), ("not_found", 404)),
    **dict.fromkeys((480, 486, 600), ("resource_exhausted", 429)),
    **dict.fromkeys((408, 504), ("deadline_exceeded", 408)),
    487: ("aborted", 409),
}
OTHER_SIP = ("failed_precondition", 412)


class Refused(Exception):
    """Twirp's error: a code, the HTTP status, and words."""

    def __init__(self, code: str, http: int, words: str, meta: dict[str, str] | None = None) -> None:
        super().__init__(words)
        self.body = {"code": code, "msg": words, "meta": meta or {}}
        self.http = http


@dataclass(frozen=True)
class Method:
    request: type[Message]
    answer: Callable[[Any], Awaitable[Message]]
    admin: bool


class SimulatedSip:
    """`async with SimulatedSip(livekit) as sip:` ... `sip.url` is where LIVEKIT_URL of a client leads.

    `requests`: every SIP request that was let in, as (method, message).
    """

    def __init__(self, livekit: LocalLiveKit, exchange: Exchange | None = None) -> None:
        self.exchange = exchange or Exchange(livekit)
        self.requests: list[tuple[str, Message]] = []
        self.inbound: dict[str, wire.SIPInboundTrunkInfo] = {}
        self.outbound: dict[str, wire.SIPOutboundTrunkInfo] = {}
        self.rules: dict[str, wire.SIPDispatchRuleInfo] = {}
        self._livekit = livekit
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self.url = ""
        self._methods = {
            "CreateSIPInboundTrunk": Method(wire.CreateSIPInboundTrunkRequest, self._create_inbound, True),
            "UpdateSIPInboundTrunk": Method(wire.UpdateSIPInboundTrunkRequest, self._update_inbound, True),
            "ListSIPInboundTrunk": Method(wire.ListSIPInboundTrunkRequest, self._list_inbound, True),
            "CreateSIPOutboundTrunk": Method(wire.CreateSIPOutboundTrunkRequest, self._create_outbound, True),
            "UpdateSIPOutboundTrunk": Method(wire.UpdateSIPOutboundTrunkRequest, self._update_outbound, True),
            "ListSIPOutboundTrunk": Method(wire.ListSIPOutboundTrunkRequest, self._list_outbound, True),
            "CreateSIPDispatchRule": Method(wire.CreateSIPDispatchRuleRequest, self._create_rule, True),
            "UpdateSIPDispatchRule": Method(wire.UpdateSIPDispatchRuleRequest, self._update_rule, True),
            "ListSIPDispatchRule": Method(wire.ListSIPDispatchRuleRequest, self._list_rules, True),
            "CreateSIPParticipant": Method(wire.CreateSIPParticipantRequest, self._dial, False),
            "TransferSIPParticipant": Method(wire.TransferSIPParticipantRequest, self._transfer, False),
        }

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        app = web.Application()
        app.router.add_post("/twirp/livekit.SIP/{method}", self._answer)
        app.router.add_post("/twirp/{path:.*}", self._hand_on)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self.url = f"http://{HOST}:{cast('tuple[str, int]', self._runner.addresses[0])[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.exchange.aclose()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def call_in(self, to: str, *, number: str) -> Phone:
        """Somebody with `number` calls `to`; the phone, active. LookupError where no trunk or no rule takes it."""
        trunk = next((each for each in self.inbound.values() if to in each.numbers), None)
        if trunk is None:
            raise LookupError(f"no inbound trunk has {to}")
        rule = next((each for each in self.rules.values() if trunk.sip_trunk_id in (each.trunk_ids or [""])), None)
        if rule is None:
            raise LookupError(f"no dispatch rule takes the calls of trunk {trunk.name!r}")
        return await self.exchange.call_in(trunk, rule, number=number)

    async def _answer(self, request: web.Request) -> web.Response:
        try:
            answer = await self._admit(request)
        except Refused as error:
            return web.json_response(error.body, status=error.http)
        except SipAnswer as error:
            code, http = SIP_CODES.get(error.status, OTHER_SIP)
            meta = {"sip_status_code": str(error.status), "sip_status": error.reason}
            body = {"code": code, "msg": f"twirp error {code}: sip status: {error}", "meta": meta}
            return web.json_response(body, status=http)
        return web.Response(body=answer.SerializeToString(), content_type="application/protobuf")

    async def _admit(self, request: web.Request) -> Message:
        name = request.match_info["method"]
        method = self._methods.get(name)
        if method is None:
            raise Refused("bad_route", 404, f"no handler for path {request.path!r}")
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        try:
            claims = api.TokenVerifier(self._livekit.api_key, self._livekit.api_secret).verify(token)
        except jwt.PyJWTError:
            raise Refused("unauthenticated", 401, "permissions denied") from None
        if claims.sip is None or not (claims.sip.admin if method.admin else claims.sip.call):
            raise Refused("permission_denied", 403, "permissions denied")
        try:
            message = method.request.FromString(await request.read())
        except DecodeError:
            raise Refused("malformed", 400, "the protobuf request could not be decoded") from None
        self.requests.append((name, message))
        return await method.answer(message)

    async def _hand_on(self, request: web.Request) -> web.Response:
        assert self._session is not None
        url = f"{self._livekit.url.replace('ws', 'http', 1)}{request.path}"
        headers = {name: request.headers[name] for name in ("Authorization", "Content-Type")}
        async with self._session.post(url, data=await request.read(), headers=headers) as answer:
            kind = answer.headers.get("Content-Type", "application/protobuf").partition(";")[0]
            return web.Response(body=await answer.read(), status=answer.status, content_type=kind)

    async def _create_inbound(self, request: wire.CreateSIPInboundTrunkRequest) -> Message:
        return _keep(self.inbound, "sip_trunk_id", "ST", request.trunk)

    async def _update_inbound(self, request: wire.UpdateSIPInboundTrunkRequest) -> Message:
        return _replace(self.inbound, "sip_trunk_id", request.sip_trunk_id, request.replace)

    async def _list_inbound(self, _: wire.ListSIPInboundTrunkRequest) -> Message:
        return wire.ListSIPInboundTrunkResponse(items=self.inbound.values())

    async def _create_outbound(self, request: wire.CreateSIPOutboundTrunkRequest) -> Message:
        return _keep(self.outbound, "sip_trunk_id", "ST", request.trunk)

    async def _update_outbound(self, request: wire.UpdateSIPOutboundTrunkRequest) -> Message:
        return _replace(self.outbound, "sip_trunk_id", request.sip_trunk_id, request.replace)

    async def _list_outbound(self, _: wire.ListSIPOutboundTrunkRequest) -> Message:
        return wire.ListSIPOutboundTrunkResponse(items=self.outbound.values())

    async def _create_rule(self, request: wire.CreateSIPDispatchRuleRequest) -> Message:
        return _keep(self.rules, "sip_dispatch_rule_id", "SDR", request.dispatch_rule)

    async def _update_rule(self, request: wire.UpdateSIPDispatchRuleRequest) -> Message:
        return _replace(self.rules, "sip_dispatch_rule_id", request.sip_dispatch_rule_id, request.replace)

    async def _list_rules(self, _: wire.ListSIPDispatchRuleRequest) -> Message:
        return wire.ListSIPDispatchRuleResponse(items=self.rules.values())

    async def _dial(self, request: wire.CreateSIPParticipantRequest) -> Message:
        trunk = self.outbound.get(request.sip_trunk_id)
        if trunk is None:
            raise Refused("not_found", 404, "requested sip trunk does not exist")
        try:
            phone = await self.exchange.dial(request, trunk.numbers[0])
        except TimeoutError:
            raise Refused("canceled", 408, "sip request timed out") from None
        return wire.SIPParticipantInfo(
            participant_id=phone.room.local_participant.sid,
            participant_identity=phone.identity,
            room_name=request.room_name,
            sip_call_id=phone.room.local_participant.attributes.get("sip.callID", ""),
        )

    async def _transfer(self, request: wire.TransferSIPParticipantRequest) -> Message:
        try:
            await self.exchange.refer(request)
        except KeyError:
            raise Refused("not_found", 404, "participant does not exist") from None
        return Empty()  # as livekit-server 1.13.5


def _keep(kept: dict[str, Any], id_field: str, prefix: str, item: Any) -> Message:
    item_id = f"{prefix}_{token_hex(6)}"
    setattr(item, id_field, item_id)
    kept[item_id] = item
    return item


def _replace(kept: dict[str, Any], id_field: str, item_id: str, item: Any) -> Message:
    if item_id not in kept:
        raise Refused("not_found", 404, "requested object does not exist")
    setattr(item, id_field, item_id)
    kept[item_id] = item
    return item
