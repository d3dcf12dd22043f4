"""One connection to the simulated Realtime model: the client's events in, the server's out."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from aiohttp import web

from sim.realtime_config import Invalid, SessionConfig
from sim.realtime_conversation import Conversation, Item, new_item
from sim.realtime_input import InputBuffer, SpeechStarted, SpeechStopped
from sim.realtime_output import Wish
from sim.realtime_response import Maker, Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Mapping

    from sim.dialogue import Dialogue
    from sim.ears.base import Ears
    from sim.latency import RealtimeLatency
    from sim.openai_realtime import RealtimeFaults, RealtimeStats
    from sim.voice import Voice

    Drop = Callable[[], object]


@dataclass(frozen=True)
class House:
    """What all connections share."""

    dialogue: Dialogue
    latency: RealtimeLatency
    voice: Voice
    stats: RealtimeStats
    faults: Callable[[], RealtimeFaults]


class RealtimeSocket:
    """`run` serves until the client leaves, or the session is as old as it may become.

    `drop` cuts the connection without a word.
    """

    def __init__(
        self, socket: web.WebSocketResponse, house: House, ears: Ears, model: str, number: int, *, drop: Drop
    ) -> None:
        self._socket = socket
        self._drop = drop
        self._house = house
        self._number = number
        self._config = SessionConfig(f"sess_{number}", model)
        self._conversation = Conversation()
        self._input = InputBuffer(ears)
        self._ids = itertools.count(1)
        self._hearing = asyncio.Lock()  # its waiters go in order, as turns do
        self._item_id = self._new_id("item")
        self._response: Response | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._maker = Maker(
            house.dialogue, house.latency, house.voice, self._conversation, self._send, self._note_sound
        )
        self._handlers: dict[str, Callable[[Mapping[str, Any]], Awaitable[None]]] = {
            "session.update": self._update,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit,
            "input_audio_buffer.clear": self._clear,
            "conversation.item.create": self._create,
            "conversation.item.retrieve": self._retrieve,
            "conversation.item.truncate": self._truncate,
            "conversation.item.delete": self._delete,
            "response.create": self._respond,
            "response.cancel": self._cancel,
        }

    async def run(self) -> None:
        """Raises ConnectionError if the client goes while it is spoken to."""
        limit = asyncio.timeout(self._house.faults().session_limit_s)
        try:
            async with limit:
                await self._send({"type": "session.created", "session": self._config.view})
                while await self._take():
                    pass
        except TimeoutError:
            if not limit.expired():
                raise
            minutes = self._house.faults().session_limit_s / 60
            error = Invalid(f"Your session hit the maximum duration of {minutes:g} minutes.", code="session_expired")
            await self._send({"type": "error", "error": error.body(None)})
            await self._socket.close(code=1001)
        finally:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._input.aclose()

    async def _take(self) -> bool:
        """One message; False at the end."""
        message = await self._socket.receive()
        if message.type in (web.WSMsgType.CLOSE, web.WSMsgType.CLOSING, web.WSMsgType.CLOSED, web.WSMsgType.ERROR):
            return False
        event: Mapping[str, Any] = {}
        try:
            event = _event(message.data)
            handler = self._handlers.get(str(event.get("type")))
            if handler is None:
                raise Invalid(f"Invalid value: '{event.get('type')}'. Unknown event type.", param="type")
            await handler(event)
        except Invalid as invalid:
            self._house.stats.errors += 1
            await self._send({"type": "error", "error": invalid.body(event.get("event_id"))})
        return True

    # ---- what the client asks for -------------------------------------------------------------------------

    async def _update(self, event: Mapping[str, Any]) -> None:
        self._config.update(event.get("session"), has_spoken=self._conversation.has_sound)
        await self._send({"type": "session.updated", "session": self._config.view})

    async def _append(self, event: Mapping[str, Any]) -> None:
        turns = self._config.turns
        for heard in self._input.append(event.get("audio"), turns):
            if isinstance(heard, SpeechStarted):
                started = {"audio_start_ms": heard.audio_start_ms, "item_id": self._item_id}
                await self._send({"type": "input_audio_buffer.speech_started", **started})
                if turns is not None and turns.interrupts and self._response is not None:
                    await self._response.stop("turn_detected")
            else:
                await self._turn_over(heard, creates=turns is not None and turns.creates)

    async def _turn_over(self, heard: SpeechStopped, *, creates: bool) -> None:
        stopped = {"audio_end_ms": heard.audio_end_ms, "item_id": self._item_id}
        await self._send({"type": "input_audio_buffer.speech_stopped", **stopped})
        await self._take_in(heard.until_ms)
        if creates:
            await self._begin(self._wish({}))

    async def _commit(self, _: Mapping[str, Any]) -> None:
        await self._take_in(self._input.commit())

    async def _take_in(self, until_ms: float) -> None:
        """What was heard becomes an item of the conversation; its words are known later."""
        part = {"type": "input_audio", "transcript": None}
        wire = {"object": "realtime.item", "type": "message", "status": "completed", "role": "user", "content": [part]}
        item = Item({"id": self._item_id, **wire})
        self._item_id = self._new_id("item")
        before = self._conversation.add(item)
        self._house.stats.turns += 1
        await self._send({"type": "input_audio_buffer.committed", "previous_item_id": before, "item_id": item.id})
        await self._tell_item(item, before)
        self._start(self._hear(item, until_ms), "hearing")

    async def _hear(self, item: Item, until_ms: float) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time() + self._house.latency.transcription.draw_ms() / 1000
        async with self._hearing:
            item.heard_text = await self._input.words(until_ms)
        item.settled.set()
        if not self._config.transcribes:
            return
        await asyncio.sleep(max(due_s - loop.time(), 0.0))
        item.content[0]["transcript"] = item.heard_text
        where = {"item_id": item.id, "content_index": 0}
        kind = "conversation.item.input_audio_transcription"
        if item.heard_text:
            await self._send({"type": f"{kind}.delta", **where, "delta": item.heard_text})
        words = len(item.heard_text.split())
        usage = {"type": "tokens", "input_tokens": 0, "output_tokens": words, "total_tokens": words}
        await self._send({"type": f"{kind}.completed", **where, "transcript": item.heard_text, "usage": usage})

    async def _clear(self, _: Mapping[str, Any]) -> None:
        self._input.clear()
        await self._send({"type": "input_audio_buffer.cleared"})

    async def _create(self, event: Mapping[str, Any]) -> None:
        item = new_item(event.get("item"), self._new_id("item"))
        after = event.get("previous_item_id")
        await self._tell_item(item, self._conversation.add(item, None if after is None else str(after)))

    async def _retrieve(self, event: Mapping[str, Any]) -> None:
        item = self._conversation.get(event.get("item_id"), "item_retrieve_invalid_item_id")
        await self._send({"type": "conversation.item.retrieved", "item": dict(item.wire)})

    async def _truncate(self, event: Mapping[str, Any]) -> None:
        item = self._conversation.get(event.get("item_id"), "item_truncate_invalid_item_id")
        index, end_ms = event.get("content_index"), event.get("audio_end_ms")
        if not isinstance(index, int) or not isinstance(end_ms, int) or end_ms < 0:
            raise Invalid("'content_index' and 'audio_end_ms' must be whole numbers.", param="audio_end_ms")
        item.truncate(index, end_ms)
        self._house.stats.truncated += 1
        told = {"item_id": item.id, "content_index": index, "audio_end_ms": end_ms}
        await self._send({"type": "conversation.item.truncated", **told})

    async def _delete(self, event: Mapping[str, Any]) -> None:
        self._conversation.delete(event.get("item_id"))
        await self._send({"type": "conversation.item.deleted", "item_id": event.get("item_id")})

    async def _respond(self, event: Mapping[str, Any]) -> None:
        given = event.get("response") or {}
        if not isinstance(given, dict):
            raise Invalid("Invalid type for 'response': expected an object.", code="invalid_type", param="response")
        params = cast("dict[str, Any]", given)
        if params.get("input") is not None:
            raise Invalid("'response.input' is not simulated.", param="response.input")
        await self._begin(self._wish(params))

    async def _cancel(self, event: Mapping[str, Any]) -> None:
        named, active = event.get("response_id"), self._response
        if active is None or active.done or named not in (None, active.id):
            message = "Cancellation failed: no active response found"
            raise Invalid(message, code="response_cancel_not_active")
        await active.stop("client_cancelled")

    # ---- the response -------------------------------------------------------------------------------------

    def _wish(self, params: Mapping[str, Any]) -> Wish:
        config = self._config
        tools = params.get("tools") if params.get("tools") is not None else config.tools
        choice = params.get("tool_choice") or config.tool_choice
        return Wish(
            instructions=params.get("instructions") or config.instructions,
            tools=[] if choice == "none" else [_chat_tool(tool) for tool in tools or ()],
            voice=config.voice,
            speaks=(params.get("output_modalities") or (["audio"] if config.speaks else ["text"])) == ["audio"],
            in_conversation=params.get("conversation") != "none",
            metadata=params.get("metadata"),
        )

    async def _begin(self, wish: Wish) -> None:
        if self._response is not None and not self._response.done:
            message = (
                f"Conversation already has an active response in progress: {self._response.id}. "
                "Wait until the response is finished before creating a new one."
            )
            raise Invalid(message, code="conversation_already_has_active_response")
        stats, faults = self._house.stats, self._house.faults()
        stats.responses += 1
        failure = faults.fail_code if faults.fail_every and stats.responses % faults.fail_every == 0 else None
        self._response = Response(
            f"{self._number}_{next(self._ids)}", self._maker, wish, stall_ms=faults.stall_ms, failure=failure
        )
        self._start(self._response.run(), "response")

    def _note_sound(self, pieces: int) -> None:
        """The connection breaks here if that is the fault of the day."""
        if pieces == self._house.faults().drop_after_deltas:
            self._house.stats.dropped += 1
            self._drop()

    # ---- helpers ------------------------------------------------------------------------------------------

    async def _tell_item(self, item: Item, before: str | None) -> None:
        wire = dict(item.wire)
        await self._send({"type": "conversation.item.added", "previous_item_id": before, "item": wire})
        await self._send({"type": "conversation.item.done", "previous_item_id": before, "item": wire})

    async def _send(self, event: dict[str, Any]) -> None:
        await self._socket.send_str(json.dumps({"event_id": self._new_id("event"), **event}, ensure_ascii=False))

    def _new_id(self, kind: str) -> str:
        return f"{kind}_{self._number}_{next(self._ids)}"

    def _start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(_until_gone(work), name=f"realtime {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _until_gone(work: Coroutine[Any, Any, None]) -> None:
    with suppress(ConnectionError):  # the client is gone: there is nobody to tell
        await work


def _event(data: object) -> Mapping[str, Any]:
    try:
        event: Any = json.loads(data) if isinstance(data, str) else None
    except ValueError:
        event = None
    if not isinstance(event, dict):
        raise Invalid("Could not parse the event: expected a JSON object.", code="invalid_json")
    return cast("dict[str, Any]", event)


def _chat_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """As chat completions write it, which is what a dialogue reads."""
    return {"type": "function", "function": {name: value for name, value in tool.items() if name != "type"}}
