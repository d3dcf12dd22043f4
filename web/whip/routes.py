"""The requests of WHIP: POST an offer, PATCH a fragment, DELETE the call."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING
from unicodedata import category

from aiohttp import web

from rooms.dispatch import DispatchError
from rooms.door.own_machine import own_host
from rooms.door.rate import Rate
from rooms.replies import NO_STORE, Refusal, read_body, short, too_many
from web.whip import fragment, sdp
from web.whip.calls import LOOK_EVERY_S, MOST_CALLS
from web.whip.links import links
from web.whip.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from rooms.entrance import Entrance
    from rooms.tokens import ApiKey

PATH = "/api/whip"
CALL_RATES = ("30/second", "300/minute")
PATCH_RATES = ("20/second", "120/minute")
MAX_NAME_CHARS = 64
AGENT_LIMIT_S = 8.0
"""How long a POST waits for an agent that is on its way. The server drops a caller who is not connected after 15 s."""
PROXY = web.AppKey("whip", Proxy)


def add_whip_routes(
    app: web.Application,
    entrance: web.AppKey[Entrance],
    *,
    livekit_url: str,
    key: ApiKey,
    agent_name: str,
    ice_servers: Callable[[], Sequence[Mapping[str, object]]] = tuple,
    rate: Rate | None = None,
    most_calls: int = MOST_CALLS,
    agent_limit_s: float = AGENT_LIMIT_S,
    look_every_s: float = LOOK_EVERY_S,
) -> None:
    """Add `/api/whip` to an application whose `entrance` is open before and closed after it.

    - `POST /api/whip?name=<at most 64 characters>`, an SDP offer: 201 with the answer, `Location`, `ETag`, `Link` (the
      `ice_servers`, RTCIceServer dictionaries, and LiveKit's TURN), `X-Firstword-Room`, `-Identity` and `-Token`.
      It waits up to `agent_limit_s` for an agent that is on its way.
    - `PATCH /api/whip/<id>`, a fragment of candidates with `If-Match: <ETag>`: 204; with `If-Match: *` an ICE restart:
      200 with a fragment and a new ETag.
    - `DELETE /api/whip/<id>`: 200, and 404 for a call that has ended.

    Errors are `{"error": {"message"}}`, with `field`, `value`, `allowed` where an input is at fault: 400, 413, 415; 404
    no such call; 412 another ETag than that of now, 428 none; 429 too many requests; 502 LiveKit failed; 503 no agent
    came, no place is free, or LiveKit is busy. 429 and 503 say Retry-After. `rate`, if given, is shared with others.
    """
    call_rate = rate or Rate(*CALL_RATES)
    patch_rate = Rate(*PATCH_RATES)

    async def proxy(app: web.Application) -> AsyncIterator[None]:
        async with Proxy(livekit_url, key, agent_name, most_calls=most_calls, look_every_s=look_every_s) as app[PROXY]:
            yield

    async def post(request: web.Request) -> web.Response:
        wait_s = call_rate.wait_s()
        if wait_s > 0:
            raise too_many(wait_s)
        name = _caller_name(request)
        _check_type(request, sdp.CONTENT_TYPE)
        offer = sdp.read_offer(await read_body(request, limit=sdp.MOST_OFFER_BYTES))
        with request.app[PROXY].calls.place():
            try:
                ticket = await request.app[entrance].admit(name, host=own_host(request) or "", transport="whip")
            except DispatchError as error:
                raise Refusal(502, str(error)) from error
            call, answer, turn = await request.app[PROXY].begin(
                ticket, offer, agent_limit_s=agent_limit_s, gone=lambda: _gone(request)
            )
        headers = {
            "Location": f"{PATH}/{call.id}",
            "ETag": call.etag,
            "Content-Type": sdp.CONTENT_TYPE,
            "Accept-Patch": fragment.CONTENT_TYPE,
            "X-Firstword-Room": ticket.room,
            "X-Firstword-Identity": ticket.identity,
            "X-Firstword-Token": ticket.token,
        }
        response = web.Response(status=201, body=sdp.both_ways(answer).encode(), headers=headers | NO_STORE)
        for link in (*links(ice_servers()), *turn):
            response.headers.add("Link", link)
        return response

    async def patch(request: web.Request) -> web.Response:
        proxy = request.app[PROXY]
        call = proxy.calls.get(request.match_info["id"])
        wait_s = patch_rate.wait_s(call.id)
        if wait_s > 0:
            raise too_many(wait_s)
        _check_type(request, fragment.CONTENT_TYPE)
        if_match = request.headers.get("If-Match", "").strip()
        if not if_match:
            raise Refusal(
                428, "If-Match: the ETag of now, or * for an ICE restart", field="If-Match", allowed="an ETag"
            )
        found = fragment.read_fragment(await read_body(request, limit=fragment.MOST_FRAGMENT_BYTES))
        if if_match != "*":
            await proxy.trickle(call, found, if_match.removeprefix("W/").strip('"'))
            return web.Response(status=204)
        answer = await proxy.restart(call, found)
        headers = {"ETag": call.etag, "Content-Type": fragment.CONTENT_TYPE}
        return web.Response(body=answer.encode(), headers=headers | NO_STORE)

    async def delete(request: web.Request) -> web.Response:
        await request.app[PROXY].hang_up(request.match_info["id"])
        return web.Response()

    async def options(request: web.Request) -> web.Response:
        one = "id" in request.match_info
        allow = "OPTIONS, PATCH, DELETE" if one else "OPTIONS, POST"
        accept = {"Accept-Patch": fragment.CONTENT_TYPE} if one else {"Accept-Post": sdp.CONTENT_TYPE}
        return web.Response(status=204, headers={"Allow": allow} | accept)

    app.cleanup_ctx.append(proxy)
    app.add_routes(
        [
            web.post(PATH, _answered(post)),
            web.options(PATH, options),
            web.patch(f"{PATH}/{{id}}", _answered(patch)),
            web.delete(f"{PATH}/{{id}}", _answered(delete)),
            web.options(f"{PATH}/{{id}}", options),
        ]
    )


def _answered(
    handler: Callable[[web.Request], Awaitable[web.Response]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A Refusal becomes its answer."""

    @wraps(handler)
    async def answered(request: web.Request) -> web.Response:
        try:
            return await handler(request)
        except Refusal as error:
            return error.response()

    return answered


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _check_type(request: web.Request, wanted: str) -> None:
    if request.content_type != wanted:
        message = f"Content-Type: must be {wanted}"
        raise Refusal(415, message, field="Content-Type", value=short(request.content_type), allowed=wanted)


def _caller_name(request: web.Request) -> str:
    name = request.query.get("name", "")
    if len(name) > MAX_NAME_CHARS or any(category(each) in ("Cc", "Cs") for each in name):
        allowed = f"text of at most {MAX_NAME_CHARS} characters, none of them a control character"
        raise Refusal(400, f"name: must be {allowed}", field="name", value=short(name), allowed=allowed)
    return name
