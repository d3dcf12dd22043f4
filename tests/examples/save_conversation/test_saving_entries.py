"""The lines of a conversation survive the way to JSON and back, and nothing else passes for one."""

from __future__ import annotations

import json

import pytest

from examples.save_conversation.conversation import gathered, read_entries
from examples.save_conversation.entries import (
    TIME_FORMAT,
    Began,
    Ended,
    Lost,
    Mended,
    Said,
    decoded,
    encoded,
    read_time,
    told_time,
)

AT_S = 1_795_000_000.25
EVERY = [
    Began(AT_S, "AJ_1", "room", "acme"),
    Said(AT_S, 1, "caller", 'Hello\nthere \u2028 مرحبا \U0001f604 \\ "quoted"'),
    Said(AT_S, 2, "agent", "half", settled=False),
    Said(AT_S, 2, "agent", "half a word", interrupted=True),
    Lost(AT_S, 7),
    Mended(AT_S, 12),
    Ended(AT_S, "caller"),
]


@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: type(entry).__name__)
def test_an_entry_comes_back_as_it_went(entry: Said) -> None:
    """On one line, whatever was said."""
    line = encoded(entry)
    assert line.count(b"\n") == 1
    assert decoded(line) == entry


def test_a_lone_surrogate_is_kept() -> None:
    """A provider's JSON may hold one: it is no reason to lose a line."""
    said = Said(AT_S, 1, "caller", "a \ud83d b")
    assert decoded(encoded(said)) == said


def test_all_times_have_the_one_format() -> None:
    """To the microsecond, in UTC, and read by the same constant."""
    assert told_time(AT_S) == "2026-11-18T11:06:40.250000Z"
    assert read_time(told_time(AT_S)) == AT_S
    assert {json.loads(encoded(entry))["at"] for entry in EVERY} == {told_time(AT_S)}
    assert TIME_FORMAT.endswith("Z")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\0\0\0\0",
        b"{",
        b"[]",
        b"7",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"kind": "said"}',
        b'{"kind": "other", "at": "2026-11-18T11:06:40.250000Z"}',
        b'{"kind": "ended", "at": "yesterday", "by": "caller"}',
        b'{"kind": "ended", "at": "2026-11-18T11:06:40.250000Z", "by": 7}',
        b'{"kind": "ended", "at": "2026-11-18T11:06:40.250000Z", "by": "caller", "more": 1}',
        encoded(EVERY[1]).replace(b'"caller"', b'"nobody"'),
        encoded(EVERY[1])[:-10],
    ],
)
def test_what_is_no_line_of_ours_is_none(line: bytes) -> None:
    """Half of one, zeros after a power cut, another program's."""
    assert decoded(line) is None


def test_a_file_s_half_line_and_its_unreadable_ones_are_told_apart() -> None:
    """The rest is read."""
    whole = b"".join(map(encoded, EVERY))
    entries, torn, unreadable = read_entries(whole + b"\0\0\n" + b'{"kind": "sa')
    assert (entries, torn, unreadable) == (EVERY, b'{"kind": "sa', 1)


def test_the_last_line_of_a_number_counts() -> None:
    """What was never settled stands at the end."""
    conversation = gathered([*EVERY[:2], Said(AT_S, 3, "caller", "I"), Said(AT_S, 4, "caller", "I wo", settled=False)])
    assert [said.text for said in conversation.said][1:] == ["I", "I wo"]
    conversation = gathered(EVERY)
    assert [(said.number, said.text) for said in conversation.said][1:] == [(2, "half a word")]
    assert conversation.lost == 7
    assert conversation.ended == EVERY[-1]
