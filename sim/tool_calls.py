"""How the scripted dialogue uses tools: which one fits, what its arguments are, how its result is spoken."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)


@dataclass(frozen=True)
class ToolCall:
    """One function call of the model; `arguments` fit the tool's JSON schema."""

    name: str
    arguments: Mapping[str, Any]


def tool_call_for(
    words: Sequence[str], tools: Sequence[Mapping[str, Any]], heard: str, now: datetime
) -> ToolCall | None:
    """A call of the first offered tool whose name contains one of `words`; None if none does."""
    for word in words:
        for tool in tools:
            function = cast("Mapping[str, Any]", tool.get("function") or {})
            name = function.get("name")
            if isinstance(name, str) and word in name.lower():
                schema = cast("Mapping[str, Any]", function.get("parameters") or {})
                return ToolCall(name, arguments_for(schema, heard, now))
    return None


def arguments_for(schema: Mapping[str, Any], heard: str, now: datetime) -> dict[str, Any]:
    """A value for each required property of an object schema: from the sentence where it says one, else a plain one."""
    properties = cast("Mapping[str, Mapping[str, Any]]", schema.get("properties") or {})
    required = cast("Sequence[str]", schema.get("required") or ())
    return {name: _value(name.lower(), properties.get(name, {}), heard, now) for name in required}


def _value(name: str, schema: Mapping[str, Any], heard: str, now: datetime) -> Any:
    if "default" in schema:
        return schema["default"]
    if "const" in schema:
        return schema["const"]
    if options := cast("Sequence[Any]", schema.get("enum") or ()):
        heard_words = re.findall(r"\w+", heard.lower())
        return next((option for option in options if str(option).lower() in heard_words), options[0])
    if variants := cast("Sequence[Mapping[str, Any]]", schema.get("anyOf") or schema.get("oneOf") or ()):
        nullable = any(variant.get("type") == "null" for variant in variants)
        return None if nullable else _value(name, variants[0], heard, now)
    kinds = schema.get("type", "string")
    if isinstance(kinds, list):
        if "null" in kinds:
            return None
        kinds = cast("list[str]", kinds)[0]
    match kinds:
        case "string":
            return _string(name, str(schema.get("format", "")), heard, now)
        case "integer" | "number":
            low = cast("float", schema.get("minimum", 1))
            spoken = _number(heard)
            return max(int(low), spoken if spoken is not None else 2)
        case "boolean":
            return True
        case "array":
            return []
        case "object":
            return arguments_for(schema, heard, now)
        case _:
            return None


def _string(name: str, form: str, heard: str, now: datetime) -> str:
    if form == "date" or name.endswith("date"):
        return (now + timedelta(days=1 if "tomorrow" in heard.lower() else 0)).date().isoformat()
    if form == "date-time":
        return now.isoformat(timespec="seconds")
    if "day" in name:
        words = re.findall(r"[a-z]+", heard.lower())
        named = next((word for word in words if word in WEEKDAYS), None)
        return named or WEEKDAYS[(now.weekday() + ("tomorrow" in words)) % 7]
    if "zone" in name:
        return "UTC"
    if "time" in name or "hour" in name:
        return _hour(heard) or f"{now:%H:%M}"
    if "city" in name or "location" in name or "place" in name:
        return "London"
    return heard.strip()


def _number(heard: str) -> int | None:
    for word in re.findall(r"\w+", heard.lower()):
        if word.isdecimal():
            return int(word)
        if word in _NUMBERS:
            return _NUMBERS.index(word)
    return None


def _hour(heard: str) -> str | None:
    """The hour in "at seven" or "at 7:30"."""
    hours = re.findall(r"\bat (\d+(?::\d\d)?|[a-z]+)", heard.lower())
    return next((hour for hour in hours if hour[0].isdecimal() or hour in _NUMBERS), None)


def spoken_result(result: str) -> str:
    """A tool's result as one sentence; JSON objects become "key: value" pairs."""
    try:
        value = json.loads(result)
    except ValueError:
        value = result
    text = _spoken(value).strip() or "The answer is empty"
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?" else f"{text}."


def _spoken(value: Any) -> str:
    if isinstance(value, dict):
        pairs = cast("dict[str, Any]", value).items()
        return ", ".join(f"{str(key).replace('_', ' ')}: {_spoken(item)}" for key, item in pairs)
    if isinstance(value, list):
        return ", ".join(_spoken(item) for item in cast("list[Any]", value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "nothing" if value is None else str(value)
