"""Greetings on disk, so that a worker that starts, or a process of one call, need not have them spoken again.

A cache may not cost a call anything: whatever is wrong with the folder is one warning, and nothing is kept on disk
from then on. What is in the file is checked before it is played.
"""

from __future__ import annotations

import asyncio
import hashlib
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from utils.logging_config import get_logger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from utils.audio import Pcm

log = get_logger("prewarm")

T = TypeVar("T")

MAX_BYTES = 64 * 1024 * 1024  # about 300 greetings of 4 s
DISK_LIMIT_S = 3.0  # what a folder on a lost network drive may cost, once in a worker's life
MARK = b"FWG1"
HEADER = struct.Struct("<4sI32s")  # mark, sample rate in Hz, SHA-256 of the name and the samples


def pack(name: str, pcm: Pcm, sample_rate_hz: int) -> bytes:
    """What is kept for `pcm` under `name`: a header and the samples, 16 bit little-endian."""
    samples = pcm.astype("<i2").tobytes()
    return HEADER.pack(MARK, sample_rate_hz, _checksum(name, samples)) + samples


def unpack(name: str, kept: bytes, sample_rate_hz: int) -> Pcm:
    """The samples out of what `pack` made of the same name and rate. Raises ValueError if a bit of it has changed."""
    if len(kept) <= HEADER.size:
        raise ValueError(f"a greeting on disk: got {len(kept)} bytes, allowed: more than {HEADER.size}")
    mark, rate_hz, checksum = HEADER.unpack_from(kept)
    samples = kept[HEADER.size :]
    if (mark, rate_hz) != (MARK, sample_rate_hz) or checksum != _checksum(name, samples):
        raise ValueError("a greeting on disk: got a wrong mark, rate or checksum")
    return np.frombuffer(samples, dtype="<i2").astype(np.int16)


def _checksum(name: str, samples: bytes) -> bytes:
    # The name is in it: a file that was swapped for another greeting's is as wrong as a broken one.
    return hashlib.sha256(name.encode() + samples).digest()


class GreetingStore:
    """Samples by name in `folder`. No method raises; after a failure, reading gives None and writing does nothing."""

    def __init__(
        self, folder: Path, *, sample_rate_hz: int, size_limit_bytes: int = MAX_BYTES, limit_s: float = DISK_LIMIT_S
    ) -> None:
        self._folder = folder
        self._sample_rate_hz = sample_rate_hz
        self._size_limit_bytes = size_limit_bytes
        self._limit_s = limit_s
        # A thread of its own: one that hangs must not take those that look up the providers' addresses.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="greetings")
        self._cache: Any = None  # of the thread: SQLite's connection may not leave it
        self._off = False
        self._told = False
        self._closed = False

    def __repr__(self) -> str:
        return f"<GreetingStore {self._folder}: {'off' if self._off else 'on'}>"

    @property
    def on(self) -> bool:
        """Whether the disk is still asked: false after a failure, and when closed."""
        return not self._off

    async def read(self, name: str) -> Pcm | None:
        """What was written under `name`, or None. What is not as it was written is taken out."""
        return None if self._off else await self._in_thread(lambda: self._read(name))

    async def write(self, name: str, pcm: Pcm) -> None:
        if not self._off:
            await self._in_thread(lambda: self._open().set(name, pack(name, pcm, self._sample_rate_hz)))

    async def aclose(self) -> None:
        """Close the files after what is under way. Closing twice is allowed."""
        if not self._closed:
            self._closed = self._off = self._told = True  # a cache that does not close well is nobody's trouble
            await self._in_thread(self._close)
            self._thread.shutdown(wait=False)

    async def _in_thread(self, work: Callable[[], T]) -> T | None:
        try:
            async with asyncio.timeout(self._limit_s):
                return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except Exception as error:  # noqa: BLE001  # whatever a broken folder raises, the call goes on
            self._off = True
            self._tell("greetings are kept in memory only: the folder cannot be used", error)
            return None

    def _read(self, name: str) -> Pcm | None:
        cache = self._open()
        try:
            kept = cache.get(name)
            return None if kept is None else unpack(name, kept, self._sample_rate_hz)
        except ValueError as error:
            cache.delete(name)
            self._tell("a greeting on disk was damaged and is made anew", error)
            return None

    def _open(self) -> Any:
        if self._cache is None:
            from prewarm.bytes_disk import open_folder  # 40 ms, in this thread and only with GREETING_CACHE=disk

            self._cache = open_folder(self._folder, size_limit_bytes=self._size_limit_bytes)
        return self._cache

    def _close(self) -> None:
        cache, self._cache = self._cache, None
        if cache is not None:
            cache.close()

    def _tell(self, what: str, error: Exception) -> None:
        if not self._told:
            self._told = True
            log.warning(what, folder=str(self._folder), error=type(error).__name__)
