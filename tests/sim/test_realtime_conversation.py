"""The items of a conversation: their order, what is forgotten of them, and how a dialogue reads them."""

from __future__ import annotations

from typing import Any

import pytest

from sim.realtime_config import Invalid
from sim.realtime_conversation import ROOT, Conversation, Item, new_item
from sim.spoken import Character


def message(role: str, text: str, item_id: str) -> Item:
    kind = "output_text" if role == "assistant" else "input_text"
    return new_item({"type": "message", "role": role, "content": [{"type": kind, "text": text}]}, item_id)


def spoken() -> Item:
    """Half a second of "five words a second": each character 100 ms."""
    wire: dict[str, Any] = {"id": "said", "type": "message", "role": "assistant"}
    item = Item(wire | {"content": [{"type": "output_audio", "transcript": "ab cd"}]})
    item.characters = [Character(char, index * 100, 100) for index, char in enumerate("ab cd")]
    item.audio_ms = 500
    item.settled.set()
    return item


def test_items_stand_where_the_client_puts_them() -> None:
    """In front, behind another, at the end; each knows the one before it."""
    items = Conversation()
    assert items.add(message("user", "b", "b")) is None
    assert items.add(message("system", "a", "a"), ROOT) is None
    assert items.add(message("assistant", "c", "c"), "a") == "a"
    assert [item.id for item in items.items] == ["a", "c", "b"]
    items.delete("c")
    assert items.last_id == "b"
    for wrong in (lambda: items.add(message("user", "b", "b")), lambda: items.add(message("user", "d", "d"), "c")):
        with pytest.raises(Invalid):
            wrong()


def test_what_was_not_heard_is_forgotten() -> None:
    """The words go with their sound; no more can be cut off than there is."""
    item = spoken()
    item.truncate(0, 250)
    assert (item.text, item.audio_ms) == ("ab", 250)
    with pytest.raises(Invalid, match="already shorter"):
        item.truncate(0, 400)
    with pytest.raises(Invalid, match="Only model output"):
        message("user", "hello", "u").truncate(0, 0)


def test_a_dialogue_reads_them_as_a_chat() -> None:
    """The caller's sound as the words that were heard in it, a call and its result as tools'."""
    items = Conversation()
    heard = Item({"id": "u", "type": "message", "role": "user", "content": [{"type": "input_audio"}]})
    heard.heard_text = "When do you open?"
    items.add(heard)
    items.add(new_item({"type": "function_call", "name": "hours", "arguments": "{}", "call_id": "1"}, "f"))
    items.add(new_item({"type": "function_call_output", "call_id": "1", "output": "at five"}, "o"))
    told = items.messages("Be brief.")
    assert [each["role"] for each in told] == ["system", "user", "assistant", "tool"]
    assert (told[1]["content"], told[2]["tool_calls"][0]["function"]["name"]) == ("When do you open?", "hours")


@pytest.mark.parametrize("wrong", [None, {"type": "image"}, {"type": "message", "role": "nobody", "content": []}])
def test_an_item_is_checked(wrong: Any) -> None:
    """What is no item is refused."""
    with pytest.raises(Invalid):
        new_item(wrong, "x")
