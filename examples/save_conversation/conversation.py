"""A saved conversation, read from its lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from examples.save_conversation.entries import Began, Ended, Lost, Said, decoded

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from examples.save_conversation.entries import Entry


@dataclass
class Conversation:
    """`said`: in the order in which it was settled; what never was stands at the end. `ended` is None while it goes on.

    `torn`: what stands behind the last whole line. `unreadable`: whole lines that say nothing, as a power cut leaves
    them.
    """

    began: Began | None = None
    said: list[Said] = field(default_factory=list[Said])
    ended: Ended | None = None
    lost: int = 0
    torn: bytes = b""
    unreadable: int = 0


def read(file: Path) -> Conversation:
    """Of a call that goes on, and of one that was killed, too. Raises OSError."""
    entries, torn, unreadable = read_entries(file.read_bytes())
    conversation = gathered(entries)
    conversation.torn, conversation.unreadable = torn, unreadable
    return conversation


def read_entries(content: bytes) -> tuple[list[Entry], bytes, int]:
    """The entries, a half-written last line, and how many whole lines cannot be read."""
    *lines, torn = content.split(b"\n")
    found = [entry for entry in map(decoded, lines) if entry is not None]
    return found, torn, len(lines) - len(found)


def gathered(entries: Iterable[Entry]) -> Conversation:
    conversation = Conversation()
    open_said: dict[int, Said] = {}
    for entry in entries:
        match entry:
            case Began():
                conversation.began = entry
            case Said(settled=True):
                open_said.pop(entry.number, None)
                conversation.said.append(entry)
            case Said():
                open_said[entry.number] = entry
            case Lost():
                conversation.lost += entry.lines
            case Ended():
                conversation.ended = entry
            case _:
                pass
    conversation.said += open_said.values()
    return conversation
