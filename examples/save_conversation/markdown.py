"""A conversation for people: Markdown that grows line by line, as its JSON does."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from examples.save_conversation.conversation import gathered
from examples.save_conversation.entries import Began, Ended, Lost, Mended, Said, told_time

if TYPE_CHECKING:
    from collections.abc import Iterable

    from examples.save_conversation.entries import Entry

_MARKUP = re.compile(r"([\\`*_\[\]<>#|~&])")
_SPACE = re.compile(r"\s+")


def line_of(entry: Entry) -> str:
    """What `entry` adds; nothing for words that may still change."""
    match entry:
        case Began():
            account = f", account {_plain(entry.account)}" if entry.account else ""
            return f"# {_plain(entry.room)}\n\nBegan {told_time(entry.at_s)}, call {_plain(entry.call)}{account}.\n\n"
        case Said(settled=False):
            return ""
        case Said():
            return _said(entry, " — *interrupted, heard up to here*" if entry.interrupted else "")
        case Lost():
            return f"- {told_time(entry.at_s)} *{entry.lines} lines are missing here: the disk took none*\n"
        case Mended():
            return f"- {told_time(entry.at_s)} *the program died before this; the rest was not said or not saved*\n"
        case Ended():
            return f"\nEnded {told_time(entry.at_s)} by {_plain(entry.by)}.\n"


def whole(entries: Iterable[Entry]) -> str:
    """All of a conversation, and behind what was settled that which never was: the program died over it."""
    entries = list(entries)
    unsettled = [_said(said, " — *not finished*") for said in gathered(entries).said if not said.settled]
    at = next((place for place, entry in enumerate(entries) if isinstance(entry, Mended)), len(entries))
    return "".join([*map(line_of, entries[:at]), *unsettled, *map(line_of, entries[at:])])


def _said(said: Said, note: str) -> str:
    return f"- {told_time(said.at_s)} **{said.who.capitalize()}:** {_plain(said.text)}{note}\n"


def _plain(text: str) -> str:
    """One line in which nothing is markup: a caller can say, and a room be named, anything."""
    return _MARKUP.sub(r"\\\1", _SPACE.sub(" ", text).strip())
