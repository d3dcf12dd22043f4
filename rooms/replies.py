"""What the control plane's endpoints have in common: errors as JSON, and bodies that are read within bounds."""

from __future__ import annotations

import asyncio
import json
import math
from typing import TYPE_CHECKING, cast

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

if TYPE_CHECKING:
    from aiohttp.typedefs import Handler

MOST_BODY_BYTES = 16 * 1024
BODY_LIMIT_S = 10.0
LONGEST_VALUE = 80
NO_STORE = {"Cache-Control": "no-store"}


class Refusal(Exception):
    """The answer to a request that is not done. `field`, `value` and `allowed` where one input is at fault."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        field: str | None = None,
        value: object = None,
        allowed: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.field = field
        self.value = value
        self.allowed = allowed
        self.headers = headers or {}

    def response(self) -> web.Response:
        answer = refusal(self.status, str(self), field=self.field, value=self.value, allowed=self.allowed)
        answer.headers.update(self.headers)
        return answer


def refusal(
    status: int, message: str, *, field: str | None = None, value: object = None, allowed: str | None = None
) -> web.Response:
    """A JSON error: always `message`; `field`, `value` and `allowed` where one input is at fault."""
    error: dict[str, object] = {"message": message}
    if field is not None:
        error |= {"field": field, "value": value, "allowed": allowed}
    return web.json_response({"error": error}, status=status)


def short(value: object) -> object:
    """`value` as an answer may repeat it."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return (value if isinstance(value, str) else repr(value))[:LONGEST_VALUE]


def too_many(wait_s: float) -> Refusal:
    """429, with the wait in whole seconds."""
    seconds = max(1, math.ceil(wait_s))
    return Refusal(429, f"too many requests at once: try again in {seconds} s", headers={"Retry-After": str(seconds)})


@web.middleware
async def json_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Middleware: a Refusal becomes its answer, and aiohttp's own errors become JSON too."""
    try:
        return await handler(request)
    except Refusal as error:
        return error.response()
    except web.HTTPException as error:
        answer = refusal(error.status, error.reason)
        if "Allow" in error.headers:
            answer.headers["Allow"] = error.headers["Allow"]
        return answer


async def read_body(request: web.Request, *, limit: int = MOST_BODY_BYTES) -> bytes:
    """The request's body. Raises Refusal: 413 above `limit` bytes, 408 if it comes too slowly, 400 if it is broken.

    An application inside another one has no limit of its own in aiohttp, so the bytes are counted here.
    """
    too_large = Refusal(413, f"body: at most {limit} bytes are read", headers={"Connection": "close"})
    if (request.content_length or 0) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_LIMIT_S):
            if not request.can_read_body:
                body += await request.read()  # a middleware may have read it
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    break
    except TimeoutError:
        raise Refusal(408, f"body: not there within {BODY_LIMIT_S:g} s", headers={"Connection": "close"}) from None
    except (web.RequestPayloadError, ClientPayloadError, HttpProcessingError, ConnectionError):
        raise Refusal(400, "body: not readable as its headers say", headers={"Connection": "close"}) from None
    if len(body) > limit:
        raise too_large
    return bytes(body)


def json_object(body: bytes, shape: str) -> dict[str, object]:
    """The body as a JSON object; `shape` is what is allowed, in words. Raises Refusal 400."""
    start = body[:LONGEST_VALUE].decode(errors="replace")
    try:
        value: object = json.loads(body, object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refusal(400, "body: not JSON", field="body", value=start, allowed=shape) from None
    if not isinstance(value, dict):
        raise Refusal(400, "body: not an object", field="body", value=start, allowed=shape)
    return cast("dict[str, object]", value)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")
