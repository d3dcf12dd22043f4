"""The two files of one conversation. Blocks: for the writer's thread."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from typing import TYPE_CHECKING

from examples.save_conversation.entries import encoded
from examples.save_conversation.file_names import DONE, LIVE, MARKDOWN
from examples.save_conversation.markdown import line_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from examples.save_conversation.entries import Entry

FILE_MODE = 0o600
FOLDER_MODE = 0o700


class ConversationFile:
    """JSONL is the truth; Markdown follows it. Both are appended to, and readable by their owner only.

    All methods raise OSError: what they were given then is in no file, and may be given again.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._live, self._done = folder / f"{name}{LIVE}", folder / f"{name}{DONE}"
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        self._lines = _Appended(self._live)
        try:
            # Held until this process is gone, however it goes: who mends files leaves this one alone.
            fcntl.flock(self._lines.fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._markdown = _Appended(folder / f"{name}{MARKDOWN}")
        except OSError:
            self._lines.close()
            self._live.unlink()
            raise
        self._owed = ""
        with suppress(OSError):  # the files are there; that they outlive a power cut is tried again at the end
            sync_folder(folder)

    def append(self, entries: Iterable[Entry]) -> None:
        """Into JSONL at once; a Markdown that cannot be written now is written with the next lines."""
        entries = list(entries)
        self._lines.write(b"".join(map(encoded, entries)))
        self._owed += "".join(map(line_of, entries))
        with suppress(OSError):
            self._pay()

    def sync(self) -> None:
        """Wait until a power cut cannot take it back."""
        os.fsync(self._lines.fd)
        os.fsync(self._markdown.fd)

    def finish(self) -> None:
        """The conversation is complete: its files get their last name."""
        self._pay()
        self.sync()
        if self._live.exists():
            self._live.rename(self._done)
        sync_folder(self._folder)
        self.close()

    def close(self) -> None:
        """Without an end: the next start mends it. Twice is allowed."""
        self._lines.close()
        self._markdown.close()

    def _pay(self) -> None:
        if self._owed:
            self._markdown.write(self._owed.encode("utf-8", "replace"))
            self._owed = ""


class _Appended:
    """A new file that takes all of what it is given or nothing."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        self.fd = os.open(path, flags, FILE_MODE)
        self._size = 0

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self.fd, rest) :]
        except OSError:
            # A disk that is full has taken a part; giving it back needs no room.
            os.ftruncate(self.fd, self._size)
            raise
        self._size += len(data)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def sync_folder(folder: Path) -> None:
    """A new or changed name is on the disk, too."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
