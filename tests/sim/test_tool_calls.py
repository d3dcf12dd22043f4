"""Which tool the scripted dialogue calls, with what, and how it speaks the result."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from sim.tool_calls import arguments_for, spoken_result, tool_call_for

NOW = datetime(2026, 3, 4, 15, 5)


@pytest.mark.parametrize(
    ("heard", "hour"),
    [
        ("A table for two tomorrow at seven?", "seven"),
        ("At 7:30, please.", "7:30"),
        ("Look at the table.", "15:05"),
        ("Not at all, at eight.", "eight"),
    ],
)
def test_an_hour_is_the_one_that_was_said(heard: str, hour: str) -> None:
    """Without one it is the time of the day."""
    schema: dict[str, Any] = {"properties": {"hour": {"type": "string"}}, "required": ["hour"]}
    assert arguments_for(schema, heard, NOW) == {"hour": hour}


def test_arguments_follow_the_types_of_the_schema() -> None:
    """Enums, numbers, dates, defaults, unions and nested objects all get a value that the schema allows."""
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            "people": {"type": "integer"},
            "meal": {"type": "string", "enum": ["lunch", "dinner"]},
            "date": {"type": "string", "format": "date"},
            "unit": {"type": "string", "default": "metric"},
            "hint": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "guest": {"type": "object", "properties": {"vip": {"type": "boolean"}}, "required": ["vip"]},
            "extra": {"type": "string"},
        },
        "required": ["people", "meal", "date", "unit", "hint", "guest"],
    }
    assert arguments_for(schema, "Book a table for four for dinner tomorrow", NOW) == {
        "people": 4,
        "meal": "dinner",
        "date": "2026-03-05",
        "unit": "metric",
        "hint": None,
        "guest": {"vip": True},
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("day", "thursday"),
        ("timezone", "UTC"),
        ("start_time", "15:05"),
        ("city", "London"),
        ("question", "is it open tomorrow"),
    ],
)
def test_a_text_argument_is_filled_by_its_name(name: str, expected: str) -> None:
    """A day, a zone, a time, a place; anything else gets what the caller said."""
    schema: dict[str, Any] = {"properties": {name: {"type": "string"}}, "required": [name]}
    assert arguments_for(schema, "is it open tomorrow", NOW) == {name: expected}


def test_the_first_word_decides_between_tools() -> None:
    """Words are in order of preference; without a fitting name there is no call."""
    tools = [{"type": "function", "function": {"name": name}} for name in ("open_door", "get_hours")]
    call = tool_call_for(("hour", "open"), tools, "when?", NOW)
    assert call is not None
    assert (call.name, dict(call.arguments)) == ("get_hours", {})
    assert tool_call_for(("book",), tools, "when?", NOW) is None


@pytest.mark.parametrize(
    ("result", "spoken"),
    [
        ("open until six", "Open until six."),
        ("Closed!", "Closed!"),
        ('{"opens_at": "9", "is_open": true, "note": null}', "Opens at: 9, is open: yes, note: nothing."),
        ('["mon", "tue"]', "Mon, tue."),
        ("", "The answer is empty."),
    ],
)
def test_results_become_sentences(result: str, spoken: str) -> None:
    """Plain text and JSON alike, with a capital letter and a full stop."""
    assert spoken_result(result) == spoken
