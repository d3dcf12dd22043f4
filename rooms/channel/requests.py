"""Text requests of a page to the agent, beside the voice: several at once, each with exactly one end.

    page     {"type": "ai_request", "id", "text"}, {"type": "ai_cancel", "id"}
    service  {"type": "ai_part", "id", "index": 0.., "text"} any number of times, then one of
             {"type": "ai_end", "id", "parts": <how many there were>}
             {"type": "ai_error", "id", "kind": "refused" | "busy" | "timeout" | "failed", "message"}

A request that was cancelled gets no end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Literal, Protocol

from rooms.channel.frames import Code, Refused, is_unicode, words
from rooms.channel.session import Caller, SessionOver
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Mapping

log = get_logger("channel")

MOST_TEXT_CHARS = 2000
LONGEST_ID = 64
MOST_AT_ONCE = 8
ANSWER_LIMIT_S = 30.0

Kind = Literal["refused", "busy", "timeout", "failed"]


class AnswerError(Exception):
    """There is no answer, or no more of it. The message is for the page: no secret, nothing of a provider."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind: Kind = kind


class Answerer(Protocol):
    """Answers the requests of one session."""

    def answer(self, text: str) -> AsyncGenerator[str]:
        """The answer, part by part. Raises AnswerError; closed before its end when the request is cancelled."""
        ...

    async def aclose(self) -> None: ...


Answers = Callable[[Caller], Answerer]


class RequestDesk:
    """Of one session; `send` is its."""

    def __init__(
        self,
        send: Callable[[Mapping[str, object]], Awaitable[None]],
        answerer: Answerer,
        *,
        most_at_once: int = MOST_AT_ONCE,
        limit_s: float = ANSWER_LIMIT_S,
    ) -> None:
        self._send = send
        self._answerer = answerer
        self._most_at_once = most_at_once
        self._limit_s = limit_s
        self._answering: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def take(self, body: Mapping[str, object]) -> None:
        """A message of the page. Raises `Refused` for one that is no request."""
        kind = body.get("type")
        if kind not in ("ai_request", "ai_cancel"):
            raise Refused(Code.MALFORMED, "type: must be ai_request or ai_cancel")
        request = words(body, "id", LONGEST_ID)
        if kind == "ai_cancel":
            # Its place is free at once: what the page sends next may take it.
            cancelled = self._answering.pop(request, None)
            if cancelled is not None:
                cancelled.cancel()
            return
        if request in self._answering:
            raise Refused(Code.MALFORMED, "id: this request is being answered")
        task = asyncio.create_task(self._serve(request, body.get("text"), len(self._answering)), name="text request")
        self._answering[request] = task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Cancels what is being answered."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._answerer.aclose()

    def _free(self, request: str) -> None:
        """Before its end is told: what the page sends then may take its place."""
        if self._answering.get(request) is asyncio.current_task():
            del self._answering[request]

    async def _serve(self, request: str, text: object, others: int) -> None:
        try:
            try:
                async with asyncio.timeout(self._limit_s):
                    parts = await self._answer(request, text, others)
                self._free(request)
                await self._send({"type": "ai_end", "id": request, "parts": parts})
            except TimeoutError:
                message = f"the answer was not complete within {self._limit_s:g} s"
                await self._fail(request, AnswerError("timeout", message))
            except AnswerError as error:
                await self._fail(request, error)
            except SessionOver:
                raise
            except Exception as error:  # noqa: BLE001  # whatever answers, the page must be told
                log.warning("a text request failed", error=type(error).__name__)
                await self._fail(request, AnswerError("failed", "the answer failed"))
        except SessionOver:
            return
        finally:
            self._free(request)

    async def _answer(self, request: str, text: object, others: int) -> int:
        if (
            not isinstance(text, str)
            or not 0 < len(text) <= MOST_TEXT_CHARS
            or not text.strip()
            or not is_unicode(text)
        ):
            raise AnswerError("refused", f"text: must have 1 to {MOST_TEXT_CHARS} characters")
        if others >= self._most_at_once:
            raise AnswerError("busy", f"more than {self._most_at_once} requests at once")
        parts = 0
        async with aclosing(self._answerer.answer(text)) as answer:
            async for part in answer:
                await self._send({"type": "ai_part", "id": request, "index": parts, "text": part})
                parts += 1
        return parts

    async def _fail(self, request: str, error: AnswerError) -> None:
        self._free(request)
        await self._send({"type": "ai_error", "id": request, "kind": error.kind, "message": str(error)})
