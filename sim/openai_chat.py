"""A local stand-in for OpenAI's chat completions, as its clients see it on the wire."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from sim.dialogue import Dialogue, Reply, content_text
from sim.faults import OpenAiFaults, is_rejected
from sim.openai_request import Refusal, answering, check_body, invalid_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sim.latency import LlmLatency

MODELS = ("gpt-4o-mini", "gpt-4o", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano")
MODEL_CREATED_S = 1_721_172_741
_SSE = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}


@dataclass
class OpenAiStats:
    """`active` requests are being answered now; `cancelled`: the client left before the end of its answer."""

    requests: int = 0
    active: int = 0
    completed: int = 0
    cancelled: int = 0
    rejected: int = 0
    dropped: int = 0
    tokens: int = 0


class OpenAiSimulator:
    """`POST /v1/chat/completions` and `GET /v1/models[/{id}]`; the words come from `dialogue`.

    A token is one word with the space before it. `tool_choice` "none" hides the tools, other values are left to the
    dialogue. `api_keys` None: any key. `models` None: any model. Needs a runner with `handler_cancellation=True`,
    or a client that leaves is noticed only at the next write.
    """

    def __init__(
        self,
        dialogue: Dialogue,
        latency: LlmLatency,
        *,
        api_keys: frozenset[str] | None = None,
        models: Sequence[str] | None = None,
        faults: OpenAiFaults | None = None,
    ) -> None:
        self.faults = faults or OpenAiFaults()
        self.stats = OpenAiStats()
        self._dialogue = dialogue
        self._latency = latency
        self._api_keys = api_keys
        self._models = models
        self._ids = itertools.count(1)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/v1/chat/completions", answering(self._chat)),
            web.get("/v1/models", answering(self._list_models)),
            web.get("/v1/models/{model:.+}", answering(self._show_model)),
        ]

    async def aclose(self) -> None:
        """Nothing outlives a request."""

    async def _list_models(self, request: web.Request) -> web.Response:
        self._authorize(request)
        return web.json_response({"object": "list", "data": [_model(name) for name in self._models or MODELS]})

    async def _show_model(self, request: web.Request) -> web.Response:
        self._authorize(request)
        name = request.match_info["model"]
        self._check_model(name)
        return web.json_response(_model(name))

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        received_s = time.monotonic()
        self.stats.requests += 1
        self.stats.active += 1
        try:
            body = await self._accepted_body(request)
            messages = cast("list[Mapping[str, Any]]", body["messages"])
            tools = cast("list[Mapping[str, Any]]", body.get("tools") or [])
            reply = self._dialogue.reply(messages, [] if body.get("tool_choice") == "none" else tools)
            answer = _Answer(f"chatcmpl-sim{next(self._ids)}", body, messages, reply)
            respond = self._stream if body.get("stream") else self._whole
            response = await respond(request, answer, received_s)
        except (asyncio.CancelledError, ConnectionResetError):
            self.stats.cancelled += 1
            raise
        except Refusal:
            self.stats.rejected += 1
            raise
        finally:
            self.stats.active -= 1
        return response

    async def _stream(self, request: web.Request, answer: _Answer, received_s: float) -> web.StreamResponse:
        due_s = received_s + (self._latency.first_token.draw_ms() + self.faults.stall_ms) / 1000
        await _sleep_until(due_s)
        response = web.StreamResponse(headers=_SSE)
        await response.prepare(request)
        send = _sse_writer(response, answer)
        await send({"choices": [_choice({"role": "assistant", "content": "" if answer.tokens else None})]})
        for count, token in enumerate(answer.tokens):
            if count == self.faults.drop_after_tokens:
                self._drop(request)
                return response
            if count:
                due_s += self._latency.between_tokens.draw_ms() / 1000
                await _sleep_until(due_s)
            await send({"choices": [_choice({"content": token})]})
            self.stats.tokens += 1
        for delta in answer.tool_deltas():
            await send({"choices": [_choice({"tool_calls": [delta]})]})
        await send({"choices": [_choice({}, answer.finish_reason)]})
        if answer.include_usage:
            await send({"choices": [], "usage": answer.usage})
        await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        self.stats.completed += 1
        return response

    async def _whole(self, request: web.Request, answer: _Answer, received_s: float) -> web.Response:
        waits_ms = [self._latency.between_tokens.draw_ms() for _ in answer.tokens[1:]]
        first_ms = self._latency.first_token.draw_ms() + self.faults.stall_ms
        await _sleep_until(received_s + (first_ms + sum(waits_ms)) / 1000)
        self.stats.tokens += len(answer.tokens)
        self.stats.completed += 1
        choice = {"index": 0, "message": answer.message(), "logprobs": None, "finish_reason": answer.finish_reason}
        head = answer.head("chat.completion")
        return web.json_response({**head, "choices": [choice], "usage": answer.usage})

    def _drop(self, request: web.Request) -> None:
        self.stats.dropped += 1
        if request.transport is not None:
            request.transport.abort()

    async def _accepted_body(self, request: web.Request) -> dict[str, Any]:
        self._authorize(request)
        if is_rejected(self.stats.requests, self.faults.reject_every):
            raise self._rejection()
        try:
            body = await request.json()
        except ValueError:
            raise Refusal(400, "We could not parse the JSON body of your request.") from None
        if not isinstance(body, dict):
            raise Refusal(400, "The request body must be a JSON object.")
        checked = cast("dict[str, Any]", body)
        check_body(checked)
        self._check_model(checked["model"])
        return checked

    def _rejection(self) -> Refusal:
        status = self.faults.reject_status
        if status == 429:
            headers = {"Retry-After": f"{self.faults.retry_after_s:g}"}
            message = "Rate limit reached for requests. Please try again later."
            return Refusal(429, message, kind="requests", code="rate_limit_exceeded", headers=headers)
        if status == 401:
            return invalid_key()
        return Refusal(status, "The server had an error while processing your request.", kind="server_error")

    def _authorize(self, request: web.Request) -> None:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise Refusal(401, "You didn't provide an API key.", code=None)
        if self._api_keys is not None and key not in self._api_keys:
            raise invalid_key()

    def _check_model(self, name: str) -> None:
        if self._models is not None and name not in self._models:
            message = f"The model `{name}` does not exist or you do not have access to it."
            raise Refusal(404, message, param="model", code="model_not_found")


class _Answer:
    """One reply cut into tokens, with everything that its chunks share."""

    def __init__(
        self, answer_id: str, body: Mapping[str, Any], messages: Sequence[Mapping[str, Any]], reply: Reply
    ) -> None:
        limit = cast("int | None", body.get("max_completion_tokens") or body.get("max_tokens"))
        words = re.findall(r"\s*\S+", reply.text)
        self.tokens = words[:limit]
        self.finish_reason = "length" if len(self.tokens) < len(words) else "stop"
        self.calls: list[dict[str, Any]] = [
            {
                "id": f"call_{answer_id}_{index}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
            }
            for index, call in enumerate(reply.tool_calls)
        ]
        if self.calls:
            self.finish_reason = "tool_calls"
        self.include_usage = bool((body.get("stream_options") or {}).get("include_usage"))
        prompt = sum(len(content_text(message).split()) for message in messages)
        completion = len(self.tokens) + sum(len(call["function"]["arguments"].split()) for call in self.calls)
        self.usage = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
        }
        self._shared = {"id": answer_id, "created": int(time.time()), "model": body["model"]}

    def head(self, kind: str) -> dict[str, Any]:
        return {**self._shared, "object": kind, "system_fingerprint": "fp_simulated", "service_tier": "default"}

    def message(self) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self.tokens) or None, "refusal": None}
        return {**message, "tool_calls": self.calls} if self.calls else message

    def tool_deltas(self) -> list[dict[str, Any]]:
        """The name first, then the arguments in two pieces: clients have to join them."""
        deltas: list[dict[str, Any]] = []
        for index, call in enumerate(self.calls):
            arguments = call["function"]["arguments"]
            half = len(arguments) // 2
            deltas.append({"index": index, **call, "function": {**call["function"], "arguments": ""}})
            pieces = [piece for piece in (arguments[:half], arguments[half:]) if piece]
            deltas += [{"index": index, "function": {"arguments": piece}} for piece in pieces]
        return deltas


def _sse_writer(response: web.StreamResponse, answer: _Answer) -> Callable[[dict[str, Any]], Awaitable[None]]:
    head = answer.head("chat.completion.chunk")
    if answer.include_usage:
        head["usage"] = None

    async def send(chunk: dict[str, Any]) -> None:
        await response.write(f"data: {json.dumps({**head, **chunk}, ensure_ascii=False)}\n\n".encode())

    return send


def _choice(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": MODEL_CREATED_S, "owned_by": "simulated"}


async def _sleep_until(due_s: float) -> None:
    await asyncio.sleep(max(due_s - time.monotonic(), 0.0))
