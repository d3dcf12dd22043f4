"""What OpenAI's chat completions refuse, in OpenAI's words and shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refusal(Exception):
    """A request that is answered with an error of the given HTTP status."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self._status = status
        self._error = {"message": message, "type": kind, "param": param, "code": code}
        self._headers = headers

    def response(self) -> web.Response:
        return web.json_response({"error": self._error}, status=self._status, headers=self._headers)


def answering(handler: Handler) -> Handler:
    """The handler with its `Refusal` turned into the response it stands for."""

    async def answer(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as refusal:
            return refusal.response()

    return answer


def invalid_key() -> Refusal:
    return Refusal(401, "Incorrect API key provided.", code="invalid_api_key")


def check_body(body: Mapping[str, Any]) -> None:
    """Raises a `Refusal` with 400 that names the parameter."""
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise Refusal(400, "you must provide a model parameter", param="model")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise Refusal(400, "[] is too short - 'messages'", param="messages")
    for index, message in enumerate(cast("list[Any]", messages)):
        if not isinstance(message, dict) or not isinstance(cast("dict[str, Any]", message).get("role"), str):
            raise Refusal(400, f"Missing required parameter: 'messages[{index}].role'.", param="messages")
    tools = cast("Any", body.get("tools") or [])
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in cast("list[Any]", tools)):
        raise Refusal(400, "Invalid type for 'tools': expected an array of objects.", param="tools")
    options = body.get("stream_options")
    if options is not None and not (isinstance(options, dict) and body.get("stream")):
        raise Refusal(400, "'stream_options' is only allowed when 'stream' is true.", param="stream_options")
    for name in ("max_tokens", "max_completion_tokens"):
        limit = body.get(name)
        if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
            raise Refusal(400, f"Invalid '{name}': expected an integer >= 1, got {limit!r}.", param=name)
    if body.get("n", 1) not in (1, None):
        raise Refusal(400, f"Invalid 'n': this server gives 1 choice, got {body['n']!r}.", param="n")
