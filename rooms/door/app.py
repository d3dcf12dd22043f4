"""The door: an endpoint that gives tokens, to put into any aiohttp application."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Protocol

import aiohttp
from aiohttp import web
from livekit import api

from rooms.clients.errors import NoClient
from rooms.door.asked import read_asked
from rooms.door.caller import Caller
from rooms.door.own_machine import host_address, network_of, why_not_own
from rooms.door.rate import Rate
from rooms.limits.reached import LimitReached
from rooms.replies import NO_STORE, Refusal, json_errors, read_body, too_many
from rooms.tokens import DEFAULT_TTL_S, caller_token, new_name
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms.door.asked import Asked
    from rooms.door.caller import Authenticate
    from rooms.tokens import ApiKey

PER_ADDRESS = ("20/second", "300/minute")
PER_CALLER = ("5/second", "30/minute")
LIVEKIT_FAILED = (api.ServerError, aiohttp.ClientError, TimeoutError, NoClient)

log = get_logger("door")


class Admission(Protocol):
    """Who counts seats; `rooms.limits.keeper.LimitKeeper` is one."""

    async def admit(self, room: str, identity: str, *, hold_s: float = ...) -> None:
        """Keep a seat for as long as the token is good. Raises LimitReached, and what LiveKitAPI raises."""
        ...


def door_app(
    livekit_url: str,
    key: ApiKey,
    *,
    authenticate: Authenticate | None = None,
    agent_name: str = "",
    admission: Admission | None = None,
    ttl_s: float = DEFAULT_TTL_S,
    per_address: Rate | None = None,
    per_caller: Rate | None = None,
    address_of: Callable[[web.Request], str] | None = None,
) -> web.Application:
    """An application for `add_subapp("/door", door_app(...))`, in the format that LiveKit's client SDKs ask for tokens.

    `POST /door/token`, body nothing or JSON with any of `room_name`, `participant_identity`, `participant_name` and
    `grants` (what of the least is wanted, as in a token: `{"canPublish": false}`): 201 with `{"server_url",
    "participant_token", "room_name", "participant_name"}`. Without a name the room is the one that the caller may
    enter, or a new one if that may be any. The token is for one room and one identity, to publish a microphone and
    data and to subscribe; it is good for `ttl_s`, and no longer than the authentication. With `agent_name` that agent
    comes along when the join creates the room.

    Without `authenticate` it is open to this machine alone, for any room: see `rooms.door.own_machine`. The rates hold
    for an address (before the authentication, so that nobody can try passes at will) and for a caller; behind a proxy
    of yours `address_of` says where a request comes from.

    Errors are `{"error": {"message"}}`, with `field`, `value` and `allowed` where an input is at fault: 400 a wrong
    body, 401 not authenticated or no longer, 403 a room, an identity or grants that the caller may not have, 409 no
    more room (`admission`), 413 too large, 415 no JSON, 429 too many (see Retry-After), 502 LiveKit failed. Raises
    ValueError for a `ttl_s` that is not above 0.
    """
    if ttl_s <= 0:
        raise ValueError(f"ttl_s: got {ttl_s:g}, must be above 0 (seconds)")
    addresses, callers = per_address or Rate(*PER_ADDRESS), per_caller or Rate(*PER_CALLER)

    async def who(request: web.Request) -> Caller:
        if authenticate is None:
            return _anybody_here(request)
        try:
            caller = await authenticate(request)
        except Exception:  # whatever a plugged function does, nobody gets in by it
            log.exception("the authentication failed")
            raise Refusal(500, "the authentication failed") from None
        if caller is None or not caller.identity or _left_s(caller) <= 0:
            raise _nobody()
        _keep_pace(callers, caller.identity)
        return caller

    async def give(request: web.Request) -> web.Response:
        _keep_pace(addresses, network_of(address_of(request) if address_of else host_address(request)))
        caller = await who(request)
        body = await read_body(request)
        if body.strip() and request.content_type != "application/json":
            raise Refusal(
                415,
                "Content-Type: must be application/json",
                field="Content-Type",
                value=request.content_type[:80],
                allowed="application/json",
            )
        asked = read_asked(body, caller, agent_name)
        room = asked.room or _room_for(caller)
        good_for_s = min(ttl_s, _left_s(caller))
        if good_for_s <= 0:
            raise _nobody()  # the body took its time
        if admission is not None:
            await _admit(admission, room, caller.identity, good_for_s)
        name = caller.name or asked.name
        answer = {
            "server_url": livekit_url,
            "participant_token": _token(key, room, caller.identity, name, asked, agent_name, good_for_s),
            "room_name": room,
            "participant_name": name,
        }
        return web.json_response(answer, status=201, headers=NO_STORE)

    app = web.Application(middlewares=[json_errors])
    app.add_routes([web.post("/token", give)])
    return app


def _nobody() -> Refusal:
    return Refusal(401, "not authenticated, or no longer", headers={"WWW-Authenticate": "Bearer"})


def _anybody_here(request: web.Request) -> Caller:
    why = why_not_own(request)
    if why is not None:
        raise Refusal(
            403, f"without authentication this door is open to its own machine only, and of this request {why}"
        )
    return Caller(new_name("caller"), ("*",))


def _keep_pace(rate: Rate, name: str) -> None:
    wait_s = rate.wait_s(name)
    if wait_s > 0:
        raise too_many(wait_s)


def _left_s(caller: Caller) -> float:
    """How long the authentication is still good; a day where it has no end."""
    return 86_400.0 if caller.until_s is None else caller.until_s - time.time()


def _room_for(caller: Caller) -> str:
    """The room of a request that names none."""
    names = [each for each in caller.rooms if not each.endswith("*")]
    if len(names) == 1:
        return names[0]
    if not names and "*" in caller.rooms:
        return new_name("call")
    allowed = ", ".join(caller.rooms) or "none"
    raise Refusal(400, "room_name: which of your rooms?", field="room_name", value="", allowed=allowed)


async def _admit(admission: Admission, room: str, identity: str, hold_s: float) -> None:
    try:
        await admission.admit(room, identity, hold_s=hold_s)
    except LimitReached as full:
        raise Refusal(409, str(full), field=full.limit, value=full.count, allowed=str(full.allowed)) from None
    except LIVEKIT_FAILED as error:
        log.warning("no token, since LiveKit could not be asked for the room's seats", error=type(error).__name__)
        raise Refusal(502, "LiveKit does not answer: try again", headers={"Retry-After": "1"}) from None


def _token(key: ApiKey, room: str, identity: str, name: str, asked: Asked, agent_name: str, ttl_s: float) -> str:
    about = json.dumps({"identity": identity, "name": name})
    return caller_token(
        key,
        room=room,
        identity=identity,
        name=name,
        ttl_s=ttl_s,
        agent=api.RoomAgentDispatch(agent_name=agent_name, metadata=about) if agent_name else None,
        can_publish=asked.can_publish,
        can_publish_data=asked.can_publish_data,
        can_subscribe=asked.can_subscribe,
    )
