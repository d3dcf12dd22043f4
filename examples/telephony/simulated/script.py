"""What the simulated language model says on the telephone: a few lines for keys and transfers, else the front desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sim.dialogue import FrontDesk, Message, Reply, content_text
from sim.tool_calls import ToolCall

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TYPED = "I typed "
WISHES = {"person": "person", "i typed 9 on": "kitchen"}
"""What in the caller's words stands for a transfer, and to whom."""
BOOKED = "Thank you. Booking {keys} is a table for two, at seven."
STILL_HERE = "I am sorry, my colleague cannot be reached just now. May I take a message?"


class PhoneScript:
    """A `sim.dialogue.Dialogue`. Asked for a person it calls `transfer_call`; what was typed it repeats."""

    def __init__(self) -> None:
        self._desk = FrontDesk()

    def reply(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> Reply:
        last = messages[-1] if messages else {}
        text = content_text(last)
        if "did not work" in text:
            return Reply(STILL_HERE)
        wanted = next((to for word, to in WISHES.items() if last.get("role") == "user" and word in text.lower()), None)
        if wanted and any(tool["function"]["name"] == "transfer_call" for tool in tools):
            return Reply(tool_calls=(ToolCall("transfer_call", {"to": wanted}),))
        if last.get("role") == "user" and text.startswith(TYPED):
            return Reply(BOOKED.format(keys=text.removeprefix(TYPED).partition(" on my")[0]))
        return self._desk.reply(messages, tools)
