"""The events of one Realtime response, in the service's order and with the ids that join them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.realtime_config import RATE_HZ
from sim.realtime_conversation import Item

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sim.realtime_conversation import Conversation

IN_TOKEN_MS, OUT_TOKEN_MS = 100.0, 50.0
"""Of audio, as OpenAI bills it."""


@dataclass(frozen=True)
class Wish:
    """What a response is made of: the session's settings, or those of one `response.create`."""

    instructions: str
    tools: Sequence[Mapping[str, Any]]
    voice: str
    speaks: bool
    in_conversation: bool = True
    metadata: Mapping[str, str] | None = None


class Output:
    """The items of a response as they grow. Each method sends what the client is told of it."""

    def __init__(
        self, number: str, wish: Wish, conversation: Conversation, send: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        self.response_id = f"resp_{number}"
        self._number = number
        self._wish = wish
        self._conversation = conversation
        self._send = send
        self._items: list[Item] = []
        self._open: Item | None = None

    async def created(self) -> None:
        await self._send({"type": "response.created", "response": self._view("in_progress")})

    async def begin(self, **given: Any) -> Item:
        """A new item, under way."""
        name = f"item_{self._number}_{len(self._items)}"
        item = Item({"id": name, "object": "realtime.item", "status": "in_progress", **given})
        item.settled.set()
        self._items.append(item)
        self._open = item
        await self._of_item("added", item)
        if self._wish.in_conversation:
            before = self._conversation.add(item)
            added = {"type": "conversation.item.added", "previous_item_id": before, "item": dict(item.wire)}
            await self._send(added)
        return item

    async def begin_message(self, part: dict[str, Any]) -> Item:
        """With `part` as its one content; it is told of as empty before."""
        item = await self.begin(type="message", role="assistant", content=[])
        item.wire["content"] = [part]
        await self.piece(item, "content_part.added", part=_told(part))
        return item

    async def piece(self, item: Item, kind: str, **fields: Any) -> None:
        """`response.<kind>`: something of the item's content."""
        await self._send({"type": f"response.{kind}", **self._place(item), "content_index": 0, **fields})

    async def arguments(self, item: Item, kind: str, **fields: Any) -> None:
        """`response.function_call_arguments.<kind>`."""
        named = {"call_id": item.wire["call_id"], **fields}
        await self._send({"type": f"response.function_call_arguments.{kind}", **self._place(item), **named})

    async def close(self, item: Item, status: str = "completed") -> None:
        self._open = None
        item.wire["status"] = status
        for part in item.content:
            if part["type"] == "output_audio":
                await self.piece(item, "output_audio.done")
                await self.piece(item, "output_audio_transcript.done", transcript=part["transcript"])
            else:
                await self.piece(item, "output_text.done", text=part["text"])
            await self.piece(item, "content_part.done", part=_told(part))
        await self._of_item("done", item)
        if self._wish.in_conversation:
            await self._send({"type": "conversation.item.done", "item": dict(item.wire)})

    async def done(self, status: str, **details: Any) -> None:
        """An item that is still under way ends incomplete."""
        if self._open is not None:
            await self.close(self._open, "incomplete")
        told = {"type": status, **details} if details else None
        response = {**self._view(status), "status_details": told, "usage": self._usage()}
        await self._send({"type": "response.done", "response": response})

    async def _of_item(self, what: str, item: Item) -> None:
        place = {"response_id": self.response_id, "output_index": self._items.index(item)}
        await self._send({"type": f"response.output_item.{what}", **place, "item": dict(item.wire)})

    def _place(self, item: Item) -> dict[str, Any]:
        return {"response_id": self.response_id, "item_id": item.id, "output_index": self._items.index(item)}

    def _view(self, status: str) -> dict[str, Any]:
        wish = self._wish
        return {
            "object": "realtime.response",
            "id": self.response_id,
            "status": status,
            "status_details": None,
            "output": [dict(item.wire) for item in self._items],
            "conversation_id": "conv_sim" if wish.in_conversation else None,
            "output_modalities": ["audio" if wish.speaks else "text"],
            "max_output_tokens": "inf",
            "audio": {"output": {"format": {"type": "audio/pcm", "rate": RATE_HZ}, "voice": wish.voice}},
            "usage": None,
            "metadata": dict(wish.metadata) if wish.metadata else None,
        }

    def _usage(self) -> dict[str, Any]:
        """Tokens: a word each for text, by time for sound."""
        given = [item for item in self._conversation.items if item not in self._items]
        text_in = len(self._wish.instructions.split()) + sum(map(_words, given))
        audio_in = round(sum(item.audio_ms for item in given) / IN_TOKEN_MS)
        text_out = sum(map(_words, self._items))
        audio_out = round(sum(item.audio_ms for item in self._items) / OUT_TOKEN_MS)
        cached = {"text_tokens": 0, "audio_tokens": 0, "image_tokens": 0}
        details_in = {"text_tokens": text_in, "audio_tokens": audio_in, "image_tokens": 0, "cached_tokens": 0}
        return {
            "total_tokens": text_in + audio_in + text_out + audio_out,
            "input_tokens": text_in + audio_in,
            "output_tokens": text_out + audio_out,
            "input_token_details": {**details_in, "cached_tokens_details": cached},
            "output_token_details": {"text_tokens": text_out, "audio_tokens": audio_out},
        }


def _words(item: Item) -> int:
    return len(item.text.split()) + len(str(item.wire.get("arguments", "")).split())


def _told(part: dict[str, Any]) -> dict[str, Any]:
    """A content part as the events of a response name it."""
    if part["type"] == "output_audio":
        return {"type": "audio", "transcript": part["transcript"]}
    return {"type": "text", "text": part["text"]}
