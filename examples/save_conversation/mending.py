"""What a killed process has left: its conversations get their end, and half a line is cut off."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from examples.save_conversation.conversation import gathered, read_entries
from examples.save_conversation.conversation_file import FILE_MODE, sync_folder
from examples.save_conversation.entries import Ended, Mended, Said, decoded, encoded
from examples.save_conversation.file_names import DONE, LIVE, MARKDOWN
from examples.save_conversation.markdown import whole
from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from examples.save_conversation.entries import Entry

log = get_logger("conversations")

KILLED = "kill"


def mend_all(folder: Path, on_settled: Callable[[str, Said], None] | None = None) -> int:
    """Mend each conversation that no living process writes; returns how many. What fails waits for the next start."""
    mended = 0
    for live in sorted(folder.glob(f"*{LIVE}")):
        try:
            mended += _mend(live, on_settled)
        except OSError as error:
            log.warning("a killed process's conversation is not mended", file=live.name, reason=error.strerror)
    return mended


def _mend(live: Path, on_settled: Callable[[str, Said], None] | None) -> bool:
    try:
        fd = os.open(live, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:  # somebody else was faster
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_same(fd, live):
            return False
        name = live.name.removesuffix(LIVE)
        entries = _with_end(fd)
        # Markdown first: as long as the name says that the call is live, the next start does this again.
        _write_whole(live.with_name(f"{name}{MARKDOWN}"), whole(entries))
        live.rename(live.with_name(f"{name}{DONE}"))
        sync_folder(live.parent)
    except BlockingIOError:  # its process lives
        return False
    finally:
        os.close(fd)
    conversation = gathered(entries)
    if on_settled is not None and conversation.began is not None:
        for said in conversation.said:
            on_settled(conversation.began.call, replace(said, settled=True))
    return True


def _with_end(fd: int) -> list[Entry]:
    """The file's entries, after its half line is gone and its end is there."""
    with os.fdopen(os.dup(fd), "rb") as file:
        content = file.read()
    entries, torn, _ = read_entries(content)
    if (last := decoded(torn)) is not None:  # only its end is missing
        entries.append(last)
        torn = b""
        _write(fd, b"\n")
    elif torn:
        os.ftruncate(fd, len(content) - len(torn))
    if not any(isinstance(entry, Ended) for entry in entries):
        now_s = time.time()
        end: list[Entry] = [Mended(now_s, len(torn)), Ended(now_s, KILLED)]
        _write(fd, b"".join(map(encoded, end)))
        entries += end
    os.fsync(fd)
    return entries


def _write_whole(path: Path, text: str) -> None:
    """In one step: who reads meanwhile has the old or the new."""
    made = path.with_name(f".{path.name}.new")
    with suppress(FileNotFoundError):
        made.unlink()
    fd = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    try:
        _write(fd, text.encode("utf-8", "replace"))
        os.fsync(fd)
    finally:
        os.close(fd)
    made.replace(path)


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _is_same(fd: int, path: Path) -> bool:
    """Whether the name still leads to the file that was opened: another process may have mended it meanwhile."""
    try:
        return os.path.samestat(os.fstat(fd), path.stat())
    except FileNotFoundError:
        return False
