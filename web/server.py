"""The page's server: the page, a token for a call, and what the page tells about the agent."""

from __future__ import annotations

import json
from dataclasses import asdict
from types import MappingProxyType
from typing import TYPE_CHECKING, cast
from unicodedata import category

from aiohttp import web

from rooms.channel.endpoint import add_channel_routes
from rooms.creation import sound_metadata
from rooms.dispatch import DispatchError
from rooms.door.own_machine import own_host
from rooms.door.rate import Rate
from rooms.entrance import CALLER_TIMEOUT_S, DispatchAt, Entrance
from rooms.replies import refusal, too_many
from rooms.tokens import ApiKey
from web.assets import STATIC, load_assets
from web.guards import guard
from web.reports.desk import ReportDesk
from web.reports.routes import add_report_routes
from web.whip.routes import add_whip_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from rooms.performance.sections import AudioConfig
    from web.reports.desk import Received

MAX_NAME_CHARS = 64
MAX_BODY_BYTES = 4096
MINT_BURST = 30
MINT_RATES = (f"{MINT_BURST}/second", "300/minute")
ENTRANCE = web.AppKey("entrance", Entrance)
NO_INFO: Mapping[str, object] = MappingProxyType({})


def page_app(
    *,
    livekit_url: str,
    api_key: str,
    api_secret: str,
    agent_name: str,
    info: Mapping[str, object] = NO_INFO,
    standby_rooms: int = 0,
    caller_timeout_s: float = CALLER_TIMEOUT_S,
    dispatch_at: DispatchAt = "token",
    audio: AudioConfig | None = None,
    static: Path = STATIC,
    ice_servers: Callable[[], Sequence[Mapping[str, object]]] = tuple,
    ice_pool_size: int = 0,
    reported: Callable[[Received], Awaitable[None]] | None = None,
) -> web.Application:
    """The application; run it on a loopback address, it answers no other.

    - `GET /`, `GET /static/<file>`: the page.
    - `POST /api/token`, body nothing or `{"name": <at most 64 characters>}`: answers `{"url", "token", "room",
      "identity"}`. The room is one in which the agent waits already, if `standby_rooms` has kept one; else a new one
      with the agent on its way, whose job has `{"identity", "name", "host"}` as metadata: the host's name is that under
      which the page was opened. The token has name and host in both.
    - `GET /api/info`: `livekit_url`, `agent_name`, `room_metadata`, what `ice_servers()` gives then (RTCIceServer
      dictionaries, for WHIP), `ice_pool_size`, `channel` (true: the agent can be asked in writing), and all of `info`,
      which must be JSON. The page shows `info["providers"]`, a list of
      `{"role": str, "name": str, "mode": "real" | "simulated"}`.
    - `POST /api/whip` and what follows on it: see web.whip.routes.
    - `GET /api/channel`: the control channel, see rooms.channel.endpoint.
    - `POST /api/report`, `GET /api/reports`: calls as their callers heard them, see web.reports. `reported` is awaited
      with each of them.
    - `GET /healthz`: `{"status": "ok"}`.

    `caller_timeout_s` is how long an agent waits for its caller: no standby room gets older than half of it. With
    `dispatch_at` "join" a caller without a standby room brings the agent along: see rooms.entrance. `audio` is what the
    page does with the sound of each of its rooms. `static` is the folder of the built page.

    Errors are `{"error": {"message"}}`, with `field`, `value` and `allowed` where an input is at fault: 400 a wrong
    body, 403 another site asks, 429 too many calls (see Retry-After), 502 LiveKit failed.
    """
    assets = load_assets(static)
    key = ApiKey(api_key, api_secret)
    mint_rate = Rate(*MINT_RATES)
    about = {
        "livekit_url": livekit_url,
        "agent_name": agent_name,
        "room_metadata": "" if audio is None else sound_metadata(audio),
        "ice_pool_size": ice_pool_size,
        "channel": True,
        **info,
    }

    async def entrance(app: web.Application) -> AsyncIterator[None]:
        async with Entrance(
            livekit_url,
            key,
            agent_name,
            standby_rooms=standby_rooms,
            caller_timeout_s=caller_timeout_s,
            dispatch_at=dispatch_at,
            audio=audio,
        ) as app[ENTRANCE]:
            yield

    async def index(request: web.Request) -> web.Response:
        return assets["index.html"].response(request)

    async def built(request: web.Request) -> web.Response:
        asset = assets.get(request.match_info["name"])
        return asset.response(request) if asset else refusal(404, "no such file")

    async def health(_: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def tell_info(_: web.Request) -> web.Response:
        return web.json_response(about | {"ice_servers": list(ice_servers())}, headers={"Cache-Control": "no-store"})

    async def mint(request: web.Request) -> web.Response:
        wait_s = mint_rate.wait_s()
        if wait_s > 0:
            return too_many(wait_s).response()
        name = await _caller_name(request)
        if isinstance(name, web.Response):
            return name
        try:
            ticket = await request.app[ENTRANCE].admit(name, host=own_host(request) or "")
        except DispatchError as error:
            return refusal(502, str(error))
        return web.json_response(asdict(ticket), headers={"Cache-Control": "no-store"})

    app = web.Application(middlewares=[guard(livekit_url)], client_max_size=MAX_BODY_BYTES)
    app.cleanup_ctx.append(entrance)
    app.add_routes(
        [
            web.get("/", index),
            web.get("/static/{name}", built),
            web.get("/healthz", health),
            web.get("/api/info", tell_info),
            web.post("/api/token", mint),
        ]
    )
    add_whip_routes(
        app, ENTRANCE, livekit_url=livekit_url, key=key, agent_name=agent_name, rate=mint_rate, ice_servers=ice_servers
    )
    add_channel_routes(app, livekit_url, key)
    add_report_routes(app, ReportDesk(key, told=reported))
    return app


async def _caller_name(request: web.Request) -> str | web.Response:
    """The name in the request's body, '' without one, or the refusal of a wrong body."""
    raw = await request.read()
    if not raw.strip():
        return ""
    shape = '{} or {"name": <text>}'
    start = raw[:MAX_NAME_CHARS].decode(errors="replace")
    try:
        body: object = json.loads(raw)
    except (ValueError, RecursionError):
        return refusal(400, "body: not JSON", field="body", value=start, allowed=shape)
    if not isinstance(body, dict):
        return refusal(400, "body: not an object", field="body", value=start, allowed=shape)
    fields = cast("dict[str, object]", body)
    unknown = next((field for field in fields if field != "name"), None)
    if unknown is not None:
        return refusal(400, f"{unknown}: unknown field", field=unknown, value=fields[unknown], allowed=shape)
    name = fields.get("name", "")
    if not isinstance(name, str) or len(name) > MAX_NAME_CHARS or any(category(c) in ("Cc", "Cs") for c in name):
        allowed = f"text of at most {MAX_NAME_CHARS} characters, none of them a control character"
        return refusal(400, f"name: must be {allowed}", field="name", value=name, allowed=allowed)
    return name
