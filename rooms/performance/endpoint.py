"""Performance settings by HTTP: who has the token reads them, and changes them for as long as the service runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from rooms.door.bearer import has_bearer
from rooms.performance.problems import PerformanceError
from rooms.replies import NO_STORE, Refusal, json_errors, json_object, read_body

if TYPE_CHECKING:
    from rooms.performance.live import LivePerformance
    from rooms.performance.sections import Performance

PATH = "/api/performance"
SHORTEST_TOKEN = 16
SHAPE = '{"<section>": {"<field>": <value>}}'


def performance_app(live: LivePerformance, *, token: str | None) -> web.Application:
    """An application for `add_subapp("/api/performance", ...)`.

    - `GET`: all sections, as they hold now.
    - `PATCH` with `{"room_limits": {"max_rooms": 20}}`: changes these fields, or, if one is wrong, none; answers all
      sections. See `rooms.performance.live` for how long a change lives.

    Both need `Authorization: Bearer <token>`, from this machine too. Without a token the endpoint is closed: 403.
    Errors are `{"error": {"message"}}`, with `field`, `value` and `allowed` of the first fault and all of them in
    `faults`: 400 a wrong body or value, 401 no or another token, 413 too large. Raises ValueError for a token that
    could be guessed.
    """
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise ValueError(f"token: got {len(token)} characters, must be {SHORTEST_TOKEN} or more")

    async def tell(request: web.Request) -> web.Response:
        _let_in(request, token)
        return _told(live.current)

    async def change(request: web.Request) -> web.Response:
        _let_in(request, token)
        changes = json_object(await read_body(request), SHAPE)
        try:
            return _told(await live.change(changes))
        except PerformanceError as error:
            return _refused(error)

    app = web.Application(middlewares=[json_errors])
    app.add_routes([web.get("", tell), web.patch("", change)])
    return app


def _let_in(request: web.Request, token: str | None) -> None:
    if token is None:
        raise Refusal(403, "this endpoint is closed: it has no token")
    if not has_bearer(request, token):
        raise Refusal(
            401, "Authorization: must be Bearer and this endpoint's token", headers={"WWW-Authenticate": "Bearer"}
        )


def _told(settings: Performance) -> web.Response:
    return web.json_response(settings.model_dump(), headers=NO_STORE)


def _refused(error: PerformanceError) -> web.Response:
    faults = [
        {"message": str(fault), "field": fault.field, "value": fault.value, "allowed": fault.allowed}
        for fault in error.faults
    ]
    return web.json_response({"error": {**faults[0], "faults": faults}}, status=400)
