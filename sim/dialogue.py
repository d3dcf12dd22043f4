"""What the simulated language model says: a scripted dialogue, and a script for tests."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Protocol, cast

from sim.intents import INTENTS, Intent, is_agreement, recognize
from sim.tool_calls import WEEKDAYS, ToolCall, spoken_result, tool_call_for
from sim.tool_words import call_by_name, call_once_more, call_to_search, line_that_answers

Message = Mapping[str, Any]
"""One chat message as on OpenAI's wire: `role`, `content`, perhaps `tool_calls`."""

SCRIPTED = "I am the scripted voice of this template, no language model is connected."
ARABIC_SCRIPTED = "أنا الصوت التجريبي لهذا القالب، ولا يوجد نموذج لغوي متصل."
CONFIRM = "Shall I confirm it?"


@dataclass(frozen=True)
class Reply:
    """Either something to say or tools to call; never both."""

    text: str = ""
    tool_calls: tuple[ToolCall, ...] = ()


class Dialogue(Protocol):
    """Turns a conversation so far into the next assistant turn. Must not keep state between calls."""

    def reply(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> Reply: ...


class ScriptedDialogue:
    """The k-th assistant turn of a conversation, counted from its messages, says the k-th text; the last repeats."""

    def __init__(self, texts: Sequence[str]) -> None:
        if not texts:
            raise ValueError("ScriptedDialogue needs at least one text, got none")
        self._texts = list(texts)

    def reply(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> Reply:
        turns = sum(message.get("role") == "assistant" for message in messages)
        return Reply(text=self._texts[min(turns, len(self._texts) - 1)])


class FrontDesk:
    """A small front desk by keywords: itself, the time, opening hours, a table, a name.

    Calls a tool whose name fits the question when one is offered, then speaks its result. The same messages and
    `seed` give the same reply; the reply before it is never repeated, unless the caller asks for that.
    """

    def __init__(self, *, seed: int = 0, now: Callable[[], datetime] = datetime.now) -> None:
        self._seed = seed
        self._now = now

    def reply(self, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> Reply:
        # Instructions for this one reply come last on the wire, behind what it answers.
        last = next((message for message in reversed(messages) if message.get("role") not in _INSTRUCTIONS), {})
        said = [text for m in messages if m.get("role") == "assistant" and (text := content_text(m))]
        heard = next((content_text(m) for m in reversed(messages) if m.get("role") == "user"), "")
        if last.get("role") == "tool":
            result = spoken_result(line_that_answers(content_text(last), heard))
            return Reply(self._pick(_RESULTS, said, heard, {"result": result}))
        if last.get("role") != "user" or not heard.strip():
            return Reply(self._pick(_INTENT["greeting"].replies, said, heard))
        if is_arabic(heard):
            return Reply(self._arabic(said))
        intent = recognize(heard, offered=bool(said) and said[-1].endswith(CONFIRM))
        call = self._call(intent, messages, tools, heard) if tools else None
        if call is not None:
            return Reply(tool_calls=(call,))
        if intent is None:
            return Reply(self._not_understood(said, heard))
        return Reply(self._answer(intent, said, heard))

    def _call(
        self, intent: Intent | None, messages: Sequence[Message], tools: Sequence[Mapping[str, Any]], heard: str
    ) -> ToolCall | None:
        """What is ordered by a tool's name; then what the intent is about; then what can be searched for."""
        if is_agreement(heard) and (again := call_once_more(messages)) is not None:
            return again
        results = [content_text(m) for m in reversed(messages) if m.get("role") == "tool"]
        call = call_by_name(tools, heard, results, self._now())
        if call is None and intent is not None:
            call = tool_call_for(intent.tool_words, tools, heard, self._now())
        # What the desk would answer from its own script is known better by a tool that searches.
        if call is None and (intent is None or intent.tool_words):
            call = call_to_search(tools, heard, self._now())
        return call

    def _answer(self, intent: Intent, said: list[str], heard: str) -> str:
        if intent.name == "repeat" and said:
            return said[-1]
        values = {
            "scripted": SCRIPTED,
            "confirm": CONFIRM,
            "time": spoken_time(self._now()),
            "table": table_wish(heard),
            "name": "",
            "letters": "",
        }
        if intent.name == "spell":
            name = name_in(heard)
            if name is None:
                return self._pick(_ASK_NAME, said, heard)
            values |= {"name": name, "letters": ", ".join(name.upper())}
        return self._pick(intent.replies, said, heard, values)

    def _not_understood(self, said: list[str], heard: str) -> str:
        if not any(SCRIPTED in text for text in said):
            return f"{SCRIPTED} You can ask me about opening hours, the time, or a table."
        return self._pick(_NOT_UNDERSTOOD, said, heard)

    def _arabic(self, said: list[str]) -> str:
        if not any(ARABIC_SCRIPTED in text for text in said):
            return f"مرحباً بك. {ARABIC_SCRIPTED}"
        return self._pick(_ARABIC, said, "")

    def _pick(self, texts: Sequence[str], said: list[str], heard: str, values: Mapping[str, str] | None = None) -> str:
        filled = [text.format(**values) if values else text for text in texts]
        fresh = [text for text in filled if not said or text != said[-1]] or filled
        return Random(zlib.crc32(f"{self._seed}/{len(said)}/{heard}".encode())).choice(fresh)


def content_text(message: Message) -> str:
    """The message's text, whether its content is a string, a list of parts, or absent."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = [cast("dict[str, Any]", part) for part in cast("list[Any]", content) if isinstance(part, dict)]
    return " ".join(str(part["text"]) for part in parts if isinstance(part.get("text"), str))


def is_arabic(text: str) -> bool:
    """More Arabic letters than Latin ones."""
    arabic = len(re.findall(r"[\u0600-\u06FF]", text))
    return arabic > len(re.findall(r"[A-Za-z]", text))


def spoken_time(now: datetime) -> str:
    """As one says it at a desk: "3:05 in the afternoon"."""
    part = "morning" if now.hour < 12 else "afternoon" if now.hour < 18 else "evening"
    return f"{now.hour % 12 or 12}:{now.minute:02d} in the {part}"


def table_wish(heard: str) -> str:
    """What was asked for, in the caller's own words: "a table for two, tomorrow, at seven"."""
    people = re.search(rf"\b(?:for|of) ({_NUMBER})\b", heard, re.IGNORECASE)
    day = re.search(rf"\b({_DAY})\b", heard, re.IGNORECASE)
    hour = re.search(rf"\bat ({_NUMBER})\b", heard, re.IGNORECASE)
    parts = [f"a table for {people[1].lower()}" if people else "a table"]
    parts += [spoken_day(day[1])] if day else []
    parts += [f"at {hour[1].lower()}"] if hour else []
    return ", ".join(parts)


def spoken_day(day: str) -> str:
    """Weekdays with a capital letter, "tomorrow" without."""
    return day.capitalize() if day.lower() in WEEKDAYS else day.lower()


def name_in(heard: str) -> str | None:
    """The name in "my name is Sarah" or "spell Sarah"; None if none was given."""
    found = re.search(r"\b(?:name is|i am|i'm|spell)\s+(?!my\b|the\b|your\b|it\b|that\b)([A-Za-z]{2,})", heard, re.I)
    return found[1].capitalize() if found else None


_NUMBER = r"one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|\d+(?::\d\d)?"
_DAY = r"today|tonight|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_INSTRUCTIONS = ("system", "developer")
_INTENT = {intent.name: intent for intent in INTENTS}
_RESULTS = ("{result}", "Let me see. {result}", "Here it is. {result}")
_ASK_NAME = ("Of course. What is the name?", "Sure, please tell me the name.", "Gladly. Which name shall I spell?")
_NOT_UNDERSTOOD = (
    "Sorry, I did not get that. You can ask about opening hours, the time, or a table.",
    "I am not sure about that one. Shall I tell you our opening hours?",
    "My script has no answer to that. Please try another question.",
)
_ARABIC = (
    "شكراً لك. نحن نفتح من التاسعة صباحاً حتى السادسة مساءً.",
    "عذراً، إجاباتي بالعربية محدودة. هل تود السؤال بالإنجليزية؟",
    "تفضل، أنا أسمعك.",
)
