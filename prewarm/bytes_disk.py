"""diskcache without pickle: a bounded folder that several processes share and that gives back bytes only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import diskcache
from diskcache.core import MODE_BINARY, MODE_RAW, UNKNOWN

if TYPE_CHECKING:
    from pathlib import Path

BUSY_LIMIT_S = 2  # another process holds the database for milliseconds


class BytesDisk(diskcache.Disk):
    """Bytes under text keys. diskcache's own disk unpickles what it finds, which runs whatever a file says."""

    def put(self, key: Any) -> tuple[Any, Literal[True]]:
        if type(key) is not str:
            raise TypeError(f"key: got a {type(key).__name__}, allowed: str")
        return key, True

    def get(self, key: Any, raw: bool) -> Any:
        if not raw or type(key) is not str:
            raise ValueError("key: got something pickled, allowed: text")
        return key

    def store(self, value: Any, read: bool, key: Any = UNKNOWN) -> Any:
        if type(value) is not bytes or read:
            raise TypeError(f"value: got a {type(value).__name__}, allowed: bytes")
        return super().store(value, read, key)

    def fetch(self, mode: int, filename: Any, value: Any, read: bool) -> bytes:
        found = super().fetch(mode, filename, value, read) if mode in (MODE_RAW, MODE_BINARY) else None
        if type(found) is not bytes:
            raise ValueError(f"value: got one of kind {mode}, allowed: bytes")
        return found


def open_folder(folder: Path, *, size_limit_bytes: int) -> Any:
    """The cache in `folder`, made if it is not there; what was asked for least recently makes room.

    Raises OSError, `sqlite3.Error` or `diskcache.Timeout` for a folder that cannot be used. It belongs to the thread
    that opens it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return diskcache.Cache(
        str(folder),
        timeout=BUSY_LIMIT_S,
        disk=BytesDisk,
        size_limit=size_limit_bytes,
        eviction_policy="least-recently-used",
        cull_limit=2,  # as many make room for a new one
        disk_min_file_size=size_limit_bytes,  # all in the database: a full disk leaves no half file behind
        sqlite_mmap_size=0,  # a failure to read mapped memory is a signal, which would end every call
    )
