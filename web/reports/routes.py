"""The requests: a page's report at the end of its call, and the list of those that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from aiohttp import web

from rooms.door.rate import Rate
from rooms.replies import NO_STORE, Refusal, json_object, read_body, too_many
from web.reports.shape import read_report

if TYPE_CHECKING:
    from web.reports.desk import ReportDesk

# A browser's beacons are 64 KiB at most.
MOST_REPORT_BYTES = 64 * 1024
REPORT_RATES = ("20/second", "300/minute")
CALLER_RATES = ("10/minute",)
SHAPE = '{"token": <the caller\'s>, "report": {"v": 1, ...}}'


def add_report_routes(app: web.Application, desk: ReportDesk) -> None:
    """Add the requests to an application which a guard keeps to its own pages.

    - `POST /api/report`, SHAPE as JSON of any content type (`sendBeacon` sends text): 204.
    - `GET /api/reports`: `{"reports": [{"received_at", "room", "identity", "report"}]}`, newest first.

    Errors are `{"error": {"message"}}`, with `field`, `value`, `allowed` where an input is at fault: 400, 401 somebody
    else's token, 413, 429 too many.
    """
    rate, caller_rate = Rate(*REPORT_RATES), Rate(*CALLER_RATES)

    async def take(request: web.Request) -> web.Response:
        try:
            return await taken(request)
        except Refusal as error:
            return error.response()

    async def taken(request: web.Request) -> web.Response:
        wait_s = rate.wait_s()
        if wait_s > 0:
            raise too_many(wait_s)
        body = json_object(await read_body(request, limit=MOST_REPORT_BYTES), SHAPE)
        unknown = next((field for field in body if field not in ("token", "report")), None)
        if unknown is not None:
            raise Refusal(400, f"{unknown}: unknown field", field=unknown, value=None, allowed=SHAPE)
        room, identity = desk.caller_of(body.get("token"))
        wait_s = caller_rate.wait_s(f"{room} {identity}")
        if wait_s > 0:
            raise too_many(wait_s)
        report = body.get("report")
        if not isinstance(report, dict):
            raise Refusal(400, "report: must be an object", field="report", value=None, allowed=SHAPE)
        await desk.take(room, identity, read_report(cast("dict[str, object]", report)))
        return web.Response(status=204, headers=NO_STORE)

    async def listed(_: web.Request) -> web.Response:
        return web.json_response({"reports": [received.as_dict() for received in desk.newest()]}, headers=NO_STORE)

    app.add_routes([web.post("/api/report", take), web.get("/api/reports", listed)])
