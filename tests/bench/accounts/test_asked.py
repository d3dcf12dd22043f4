"""What the LLM was asked is written, and found again by the number that the caller hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.accounts.asked import AskedDialogue, number_in, read_asked

if TYPE_CHECKING:
    from pathlib import Path

TOOL = {"type": "function", "function": {"name": "book_table", "parameters": {}}}
MESSAGES = (
    {"role": "system", "content": "You are the bakery."},
    {"role": "assistant", "content": "Welcome."},
    {"role": "user", "content": [{"type": "text", "text": "What time is it?"}]},
)


def test_each_reply_has_a_number_and_a_line(tmp_path: Path) -> None:
    """With instructions, tools and both sides of the call."""
    path = tmp_path / "asked.jsonl"
    assert read_asked(path) == []
    with path.open("a", encoding="utf-8") as file:
        dialogue = AskedDialogue(file)
        texts = [dialogue.reply(MESSAGES, tools).text for tools in ([TOOL], [])]
    assert [number_in(text) for text in texts] == [1, 2]
    first, second = read_asked(path)
    assert (first.number, first.instructions, first.tools) == (1, "You are the bakery.", ("book_table",))
    assert (first.said, first.heard) == (("Welcome.",), ("What time is it?",))
    assert second.tools == ()


def test_a_reply_that_was_broken_off_has_no_number() -> None:
    """Nobody can tell then which one it was."""
    assert number_in("Of course. This is answer 12") is None
    assert number_in("Of course. This is answer 12.") == 12
