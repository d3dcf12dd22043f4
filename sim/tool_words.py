"""How the scripted dialogue takes a tool by what was said: "search for roses" calls the tool whose name begins so."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, cast

from sim.tool_calls import ToolCall, arguments_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

SEARCH = "search"
MARK = re.compile(r"^\W*\[(\w+)\]")
"""How a tool's result names a thing that can be pointed at: a line that begins with "[3]"."""
POLITE = re.compile(r"^(?:please|now|then|and|okay|can you|could you|would you|will you|i want to|let us)\s+")
AROUND = frozenset(
    re.findall(
        r"\w+",
        "a about an and any are at be button cost costs could do does field for from give have how i in into is it"
        " link long many me much my of on our page please tell that the there these this to up what when where which"
        " who will with would you your",
    )
)
"""Words of a question or an order that say nothing of its subject."""
VALUE = re.compile(r"\s+(?:with|as|is)\s+")


def call_by_name(
    tools: Sequence[Mapping[str, Any]], heard: str, results: Sequence[str], now: datetime
) -> ToolCall | None:
    """The tool that an order names: the order begins with the first word of the tool's name.

    Its arguments are what follows. `ref` is the mark of the line in `results`, the newest first, that is most like it,
    or the words themselves; `value` is what comes behind "with", "as" or "is".
    """
    order = _plain(heard)
    while polite := POLITE.match(order):
        order = order[polite.end() :]
    verb, _, rest = order.partition(" ")
    for tool in tools:
        name, schema = _name_and_schema(tool)
        if verb and name.split("_")[0] == verb:
            return ToolCall(name, _arguments(schema, rest, heard, results, now))
    return None


def call_to_search(tools: Sequence[Mapping[str, Any]], heard: str, now: datetime) -> ToolCall | None:
    """The tool that searches, if one is offered, with the subject of a question."""
    for tool in tools:
        name, schema = _name_and_schema(tool)
        if name.split("_")[0] == SEARCH and (subject := _subject(_plain(heard))):
            return ToolCall(name, arguments_for(schema, subject, now))
    return None


def call_once_more(messages: Sequence[Mapping[str, Any]]) -> ToolCall | None:
    """The call of the turn before, if its result asks for that: "call NAME again" when the caller has agreed."""
    calls: dict[str, ToolCall] = {}
    asked: str | None = None
    for message in reversed(messages[:-1]):
        if message.get("role") == "user":
            break
        if (
            message.get("role") == "tool"
            and asked is None
            and re.search(r"\bcall \w+ again\b", str(message["content"]))
        ):
            asked = str(message.get("tool_call_id"))
        for call in cast("Sequence[Mapping[str, Any]]", message.get("tool_calls") or ()):
            function = call["function"]
            calls[str(call.get("id"))] = ToolCall(function["name"], json.loads(function["arguments"] or "{}"))
    return None if asked is None else calls.get(asked)


def line_that_answers(result: str, heard: str) -> str:
    """Of a result of many lines, the one that shares most with what was asked; the first if none does.

    Lines in angle brackets are about the result, and one with an address or a heading is no answer.
    """
    if _is_json(result):
        return result
    lines = [line.strip() for line in result.splitlines() if line.strip() and not line.lstrip().startswith("<")]
    if len(lines) < 2:
        return result
    best = max(lines, key=lambda line: 0.0 if "://" in line or line.endswith(":") else _likeness(line, heard))
    return re.sub(r"^[-#\s]+|\s*\[\w+\]\s*", " ", best).replace(" :", ":").strip()


def _name_and_schema(tool: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    function = cast("Mapping[str, Any]", tool.get("function") or {})
    return str(function.get("name", "")).lower(), cast("Mapping[str, Any]", function.get("parameters") or {})


def _arguments(
    schema: Mapping[str, Any], rest: str, heard: str, results: Sequence[str], now: datetime
) -> dict[str, Any]:
    what = VALUE.split(rest, maxsplit=1)[0]
    found = arguments_for(schema, _subject(what) or what, now)
    if "ref" in found:
        found["ref"] = _marked(what, results)
    if "value" in found:
        # With its capital letters: a name, an address.
        found["value"] = VALUE.split(heard.strip(" .!?"), maxsplit=1)[1:][-1] if VALUE.search(heard) else ""
    return found


def _marked(what: str, results: Sequence[str]) -> str:
    for result in results:
        marks = [(_likeness(line, what), mark[1]) for line in result.splitlines() if (mark := MARK.match(line))]
        likeness, ref = max(marks, key=lambda scored: scored[0], default=(0.0, ""))
        if likeness > 0:
            return ref
    return _subject(what) or what


def _likeness(line: str, heard: str) -> float:
    """How many subjects of `heard` the line has; of two lines with the same, the shorter one is more like it."""
    wanted = {_stem(word) for word in _subject(_plain(heard)).split()}
    has = [_stem(word) for word in _plain(line).split()]
    return len(wanted & {*has}) - len(has) / 1000 if wanted & {*has} else 0.0


def _subject(order: str) -> str:
    return " ".join(word for word in order.split() if word not in AROUND)


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _plain(text: str) -> str:
    return re.sub(r"[^\w' ]+", " ", text.lower().replace("\u2019", "'")).strip()


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") else word
