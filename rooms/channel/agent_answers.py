"""At the agent: text requests that are being answered, and what is known of each answer by now.

A call may come twice, and its answer may be lost: `at` says how much of the answer the other side has. What nobody asks
for any more is given up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from rooms.channel.requests import ANSWER_LIMIT_S, LONGEST_ID, MOST_TEXT_CHARS
from utils.log_filters import error_name
from utils.logging_config import get_logger

log = get_logger("channel")

MOST_AT_ONCE = 8
MOST_ANSWER_CHARS = 16_000
MOST_PART_CHARS = 2000  # a payload has at most 15 KiB, and JSON may need six bytes a character
MOST_KEPT = 32
LONGEST_HOLD_S = 2.0
ABANDONED_S = 10.0

Payload = Mapping[str, object]
Reply = Callable[[str], AsyncGenerator[str]]
"""The answer to a text, part by part."""


@dataclass(eq=False)
class _Answer:
    task: asyncio.Task[None] | None = None
    text: str = ""
    done: bool = False
    error: tuple[str, str] | None = None
    asked_at_s: float = field(default_factory=time.monotonic)
    grown: asyncio.Event = field(default_factory=asyncio.Event)

    def since(self, at: int) -> dict[str, object]:
        part = self.text[at : at + MOST_PART_CHARS]
        if self.done and at + len(part) >= len(self.text):
            if self.error is not None:
                kind, message = self.error
                return {"text": part, "error": kind, "message": message}
            return {"text": part, "done": True}
        return {"text": part}


class AgentAnswers:
    """Of one call. `completed` is told of each whole answer: question, answer, and its begin as `time.time()`."""

    def __init__(
        self, reply: Reply, completed: Callable[[str, str, float], None], *, limit_s: float = ANSWER_LIMIT_S
    ) -> None:
        self._reply = reply
        self._completed = completed
        self._limit_s = limit_s
        self._answers: dict[str, _Answer] = {}

    @property
    def in_flight(self) -> int:
        return sum(not answer.done for answer in self._answers.values())

    async def ask(self, payload: Payload) -> dict[str, object]:
        """Starts a request, or is the repeated call of one; the first parts as soon as there are some."""
        request, text = payload.get("id"), payload.get("text")
        if not isinstance(request, str) or not 0 < len(request) <= LONGEST_ID:
            return _refused(f"id: must be text of 1 to {LONGEST_ID} characters")
        if request not in self._answers:
            if not isinstance(text, str) or not text.strip() or len(text) > MOST_TEXT_CHARS:
                return _refused(f"text: must have 1 to {MOST_TEXT_CHARS} characters")
            if self.in_flight >= MOST_AT_ONCE:
                return {"error": "busy", "message": f"more than {MOST_AT_ONCE} requests at once in this call"}
            self._forget_oldest()
            self._answers[request] = answer = _Answer()
            answer.task = asyncio.create_task(self._work(answer, text), name="answer to a text request")
        return await self.next(payload)

    async def next(self, payload: Payload) -> dict[str, object]:
        """What there is of the answer from character `at` on; waits up to `hold_ms` for something."""
        answer = self._answers.get(str(payload.get("id")))
        at, hold_ms = payload.get("at", 0), payload.get("hold_ms", 0)
        if answer is None or not isinstance(at, int) or not 0 <= at <= len(answer.text):
            return _refused("id, at: no such answer")
        hold_s = min(hold_ms / 1000, LONGEST_HOLD_S) if isinstance(hold_ms, int | float) else 0.0
        answer.asked_at_s = time.monotonic() + hold_s
        try:
            async with asyncio.timeout(max(0.0, hold_s)):
                while len(answer.text) <= at and not answer.done:
                    answer.grown.clear()
                    await answer.grown.wait()
        except TimeoutError:
            pass
        return answer.since(at)

    def cancel(self, payload: Payload) -> dict[str, object]:
        """Ends a request; one that is not known is none."""
        answer = self._answers.pop(str(payload.get("id")), None)
        if answer is not None and answer.task is not None:
            answer.task.cancel()
        return {}

    async def aclose(self) -> None:
        """Cancels what is being answered."""
        tasks = [answer.task for answer in self._answers.values() if answer.task is not None]
        self._answers.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget_oldest(self) -> None:
        surplus = max(0, len(self._answers) + 1 - MOST_KEPT)
        for request in [request for request, answer in self._answers.items() if answer.done][:surplus]:
            del self._answers[request]

    async def _work(self, answer: _Answer, question: str) -> None:
        begun_at_s = time.time()
        watch = asyncio.create_task(self._give_up(answer, asyncio.current_task()), name="watch of a text request")
        try:
            async with asyncio.timeout(self._limit_s), aclosing(self._reply(question)) as parts:
                async for part in parts:
                    answer.text += part
                    answer.grown.set()
                    if len(answer.text) > MOST_ANSWER_CHARS:
                        answer.text = answer.text[:MOST_ANSWER_CHARS]
                        break
            self._completed(question, answer.text, begun_at_s)
        except asyncio.CancelledError:
            answer.error = "failed", "the request was cancelled"
            raise
        except TimeoutError:
            answer.error = "timeout", f"the answer was not complete within {self._limit_s:g} s"
        except TextNotTaken as error:
            answer.error = "refused", str(error)
        except Exception as error:  # noqa: BLE001  # whatever the model does, the asker must be told
            log.warning("a text request was not answered", error=error_name(error))
            answer.error = "failed", "the language model did not answer"
        finally:
            watch.cancel()
            answer.done = True
            answer.grown.set()

    async def _give_up(self, answer: _Answer, work: asyncio.Task[None] | None) -> None:
        left_s = ABANDONED_S
        while left_s > 0:
            await asyncio.sleep(left_s)
            left_s = answer.asked_at_s + ABANDONED_S - time.monotonic()
        if work is not None:
            work.cancel()


class TextNotTaken(Exception):
    """The agent takes no text requests; the message says why."""


def _refused(message: str) -> dict[str, object]:
    return {"error": "refused", "message": message}
