"""The items of one Realtime conversation, in order, and what a dialogue reads in them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from sim.realtime_config import Invalid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sim.spoken import Character

ROOT = "root"
_TEXTS = ("text", "transcript")


@dataclass
class Item:
    """`wire`: as it stands in events. `settled`: what was said in it is known; until then nothing can answer it.

    `heard_text`: of the caller's audio, whether it is transcribed for the client or not. `characters` and `audio_ms`:
    of the model's own sound.
    """

    wire: dict[str, Any]
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    heard_text: str = ""
    characters: list[Character] = field(default_factory=list["Character"])
    audio_ms: float = 0.0

    @property
    def id(self) -> str:
        return str(self.wire["id"])

    @property
    def content(self) -> list[dict[str, Any]]:
        return cast("list[dict[str, Any]]", self.wire.get("content") or [])

    @property
    def text(self) -> str:
        """All that is said or written in it."""
        written = [str(part[name]) for part in self.content for name in _TEXTS if part.get(name)]
        return self.heard_text or " ".join(written)

    def truncate(self, content_index: int, audio_end_ms: float) -> None:
        """Forget what lies after `audio_end_ms` of its sound, and the words of that. Raises `Invalid`."""
        if self.wire.get("role") != "assistant" or content_index != 0 or not self.audio_ms:
            raise Invalid(f"Only model output audio messages can be truncated, got item '{self.id}'.", param="item_id")
        if audio_end_ms > self.audio_ms:
            message = f"Audio content of {self.audio_ms:.0f}ms is already shorter than {audio_end_ms:.0f}ms"
            raise Invalid(message, param="audio_end_ms")
        self.audio_ms = audio_end_ms
        self.characters = [each for each in self.characters if each.start_ms < audio_end_ms]
        self.content[0]["transcript"] = "".join(each.text for each in self.characters).rstrip()


class Conversation:
    """Items by id. What the client asks for and cannot have raises `Invalid`."""

    def __init__(self) -> None:
        self._items: list[Item] = []

    @property
    def items(self) -> Sequence[Item]:
        return self._items

    @property
    def last_id(self) -> str | None:
        return self._items[-1].id if self._items else None

    @property
    def has_sound(self) -> bool:
        """The model has spoken."""
        return any(item.audio_ms for item in self._items)

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Put it behind `after` (None: at the end, "root": in front); returns the id of the item before it."""
        if any(each.id == item.id for each in self._items):
            message = f"Error adding item: an item with ID '{item.id}' already exists."
            raise Invalid(message, code="item_create_duplicate_item_id", param="item.id")
        place = len(self._items)
        if after == ROOT:
            place = 0
        elif after is not None:
            place = self._index(after, "previous_item_id", "item_create_invalid_previous_item_id") + 1
        self._items.insert(place, item)
        return self._items[place - 1].id if place else None

    def get(self, item_id: object, code: str) -> Item:
        return self._items[self._index(item_id, "item_id", code)]

    def delete(self, item_id: object) -> None:
        del self._items[self._index(item_id, "item_id", "item_delete_invalid_item_id")]

    async def settled(self) -> None:
        """Wait until what was said in every item is known."""
        for item in list(self._items):
            await item.settled.wait()

    def messages(self, instructions: str) -> list[dict[str, Any]]:
        """As a chat's messages."""
        messages: list[dict[str, Any]] = [{"role": "system", "content": instructions}] if instructions else []
        return messages + [_message(item) for item in self._items]

    def _index(self, item_id: object, param: str, code: str) -> int:
        for index, item in enumerate(self._items):
            if item.id == item_id:
                return index
        raise Invalid(f"Item with item_id '{item_id}' does not exist.", code=code, param=param)


def new_item(given: object, item_id: str) -> Item:
    """An item that the client writes; `item_id` if it names none. Raises `Invalid`."""
    if not isinstance(given, dict):
        raise Invalid("Missing required parameter: 'item'.", code="missing_required_parameter", param="item")
    wire = {"id": item_id, "object": "realtime.item", "status": "completed", **cast("dict[str, Any]", given)}
    required = {
        "message": ("role", "content"),
        "function_call": ("name", "arguments"),
        "function_call_output": ("call_id", "output"),
    }.get(wire.get("type", ""))
    if required is None:
        message = f"Invalid value: '{wire.get('type')}'. Supported are message, function_call, function_call_output."
        raise Invalid(message, param="item.type")
    for name in required:
        if wire.get(name) is None:
            raise Invalid(
                f"Missing required parameter: 'item.{name}'.", code="missing_required_parameter", param=f"item.{name}"
            )
    if wire["type"] == "message" and wire["role"] not in ("system", "user", "assistant"):
        raise Invalid(f"Invalid value: '{wire['role']}'. Supported: system, user, assistant.", param="item.role")
    item = Item(wire)
    item.settled.set()
    return item


def _message(item: Item) -> dict[str, Any]:
    wire: Mapping[str, Any] = item.wire
    if wire["type"] == "function_call":
        function = {"name": wire["name"], "arguments": wire["arguments"]}
        call = {"id": wire.get("call_id"), "type": "function", "function": function}
        return {"role": "assistant", "content": None, "tool_calls": [call]}
    if wire["type"] == "function_call_output":
        return {"role": "tool", "tool_call_id": wire["call_id"], "content": wire["output"]}
    return {"role": wire["role"], "content": item.text}
