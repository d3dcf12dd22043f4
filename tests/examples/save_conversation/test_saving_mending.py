"""What a killed process has left is mended once, by whoever starts next, and nobody else's conversation is touched."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from examples.save_conversation.conversation import read
from examples.save_conversation.conversation_file import ConversationFile
from examples.save_conversation.entries import Began, Ended, Entry, Said, encoded
from examples.save_conversation.mending import mend_all

if TYPE_CHECKING:
    from pathlib import Path

AT_S = 1_795_000_000.0
LINES: list[Entry] = [
    Began(AT_S, "AJ_1", "desk"),
    Said(AT_S, 1, "agent", "Hello."),
    Said(AT_S, 2, "caller", "I would like", settled=False),
]


def leave(folder: Path, content: bytes) -> Path:
    live = folder / "one.live.jsonl"
    live.write_bytes(content)
    return folder / "one.jsonl"


@pytest.mark.parametrize("torn", [b"", b"{", b'{"kind": "said", "at": "2026-', b"\0\0\0", "é".encode()[:1]])
def test_a_half_line_is_cut_off_and_the_end_is_written(tmp_path: Path, torn: bytes) -> None:
    """What was whole stays, in both files, and how much was cut off is told."""
    done = leave(tmp_path, b"".join(map(encoded, LINES)) + torn)
    assert mend_all(tmp_path) == 1
    conversation = read(done)
    assert conversation.said == LINES[1:]
    assert conversation.ended is not None
    assert not conversation.torn
    assert f'"torn_bytes": {len(torn)}'.encode() in done.read_bytes()
    assert "I would like — *not finished*" in done.with_suffix(".md").read_text(encoding="utf-8")
    assert stat.S_IMODE(done.with_suffix(".md").stat().st_mode) == 0o600
    assert mend_all(tmp_path) == 0
    assert sorted(file.name for file in tmp_path.iterdir()) == ["one.jsonl", "one.md"]


@pytest.mark.parametrize("cut", range(1, len(encoded(LINES[2])) + 1, 7))
def test_wherever_the_last_line_was_cut_the_file_is_whole_after(tmp_path: Path, cut: int) -> None:
    """A line that lacks no more than its end is kept."""
    done = leave(tmp_path, b"".join(map(encoded, LINES))[:-cut])
    assert mend_all(tmp_path) == 1
    assert read(done).said == (LINES[1:] if cut == 1 else LINES[1:2])
    assert read(done).unreadable == 0


def test_a_conversation_that_was_complete_gets_its_name_only(tmp_path: Path) -> None:
    """The program was killed between the last line and the name."""
    content = b"".join(map(encoded, [*LINES[:2], Ended(AT_S, "caller")]))
    done = leave(tmp_path, content)
    assert mend_all(tmp_path) == 1
    assert done.read_bytes() == content


def test_an_empty_file_of_a_call_that_said_nothing(tmp_path: Path) -> None:
    """It is closed like any other."""
    done = leave(tmp_path, b"")
    assert mend_all(tmp_path) == 1
    assert read(done).ended is not None


def test_a_conversation_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    """Its process holds a lock, which goes with the process."""
    file = ConversationFile(tmp_path, "one")
    file.append(LINES)
    assert mend_all(tmp_path) == 0
    assert (tmp_path / "one.live.jsonl").exists()
    file.close()
    assert mend_all(tmp_path) == 1


def test_what_was_saved_is_told_for_the_database(tmp_path: Path) -> None:
    """All of it: a line that is there already is left as it is."""
    leave(tmp_path, b"".join(map(encoded, LINES)))
    told: list[tuple[str, int, str, bool]] = []
    mend_all(tmp_path, lambda call, said: told.append((call, said.number, said.text, said.settled)))
    assert told == [("AJ_1", 1, "Hello.", True), ("AJ_1", 2, "I would like", True)]


def test_one_that_cannot_be_mended_does_not_hinder_the_next(tmp_path: Path) -> None:
    """A link is not followed: somebody else may have laid it."""
    (tmp_path / "a.live.jsonl").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere").write_bytes(b"half")
    leave(tmp_path, b"".join(map(encoded, LINES)))
    assert mend_all(tmp_path) == 1
    assert (tmp_path / "elsewhere").read_bytes() == b"half"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The first start of all."""
    assert mend_all(tmp_path / "none") == 0
