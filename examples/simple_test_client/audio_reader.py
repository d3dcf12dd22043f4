"""A file that is decoded in a thread while it is played: the event loop only takes what is ready."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from contextlib import closing
from typing import TYPE_CHECKING, Self

import numpy as np

from examples.simple_test_client.audio_file import AudioFileError, Faults, decode
from sim.waveform import AudibleDetector

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sim.waveform import Pcm

BLOCK_MS = 100
AHEAD_MS = 2000
"""How much is decoded before it is needed, so how much memory a file of any length takes: 192 kB at 48 kHz."""
START_LIMIT_S = 10.0
"""Longer than a sleeping disk needs: a file on a network that is gone blocks its thread for ever."""
CLOSE_LIMIT_S = 1.0


class AudioReader:
    """`async with AudioReader(path, rate) as reader:` then `read_into(buffer)` until it returns 0.

    PyAV decodes in a thread of its own: it releases the interpreter in FFmpeg's code, comes with livekit-agents, and
    knows what is wrong with a file; a process of ffmpeg's would have to be installed and started first.
    Entering waits for the first block, so a file without sound raises `AudioFileError` there.
    """

    def __init__(self, path: Path, sample_rate_hz: int, *, ahead_ms: int = AHEAD_MS) -> None:
        self._path = path
        self._rate_hz = sample_rate_hz
        self.decoded_samples = 0
        self.faults = Faults()
        self._detector = AudibleDetector(sample_rate_hz)
        self._blocks: deque[Pcm] = deque()
        self._taken = 0
        self._room = threading.Semaphore(max(1, ahead_ms // BLOCK_MS))
        self._stop = threading.Event()
        self._news = asyncio.Event()
        self._over = asyncio.Event()
        self._ended = False
        self._failure: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name=f"decode {path.name}", daemon=True)

    @property
    def first_audible(self) -> int | None:
        """Index of the first audible sample so far."""
        spans = self._detector.spans
        return spans[0].begin if spans else None

    @property
    def audible_end(self) -> int | None:
        """One past the last audible sample; sure after the end of the file. None in silence."""
        return self._detector.end_of_sound

    async def __aenter__(self) -> Self:
        self._thread.start()
        try:
            async with asyncio.timeout(START_LIMIT_S):
                await self._news_of_blocks()
            if self._failure is not None and not self._blocks:
                raise self._failure
        except TimeoutError as error:
            await self.aclose()
            raise AudioFileError(self._path, f"no sound after {START_LIMIT_S:g} s of reading") from error
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Stop decoding within one packet. Any number of times."""
        self._stop.set()
        self._room.release()
        self._blocks.clear()
        # Blocked in the system for good, the thread is left: it is a daemon.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await self._over.wait()

    async def read_into(self, buffer: Pcm) -> int:
        """Fill `buffer`; returns how many samples there were, fewer only at the end of the file, then 0.

        Raises `AudioFileError` where the file turns out to be cut, behind its last sample.
        """
        filled = 0
        while filled < len(buffer):
            if not self._blocks:
                if not self._ended:
                    await self._news_of_blocks()
                    continue
                if self._failure is not None and not filled:
                    raise self._failure
                break
            block = self._blocks[0]
            part = block[self._taken : self._taken + len(buffer) - filled]
            buffer[filled : filled + len(part)] = part
            filled += len(part)
            self._taken += len(part)
            if self._taken == len(block):
                self._blocks.popleft()
                self._taken = 0
                self._room.release()
        return filled

    async def _news_of_blocks(self) -> None:
        while not self._blocks and not self._ended:
            self._news.clear()
            await self._news.wait()

    def _run(self) -> None:
        try:
            self._decode()
        except Exception as error:  # noqa: BLE001  # told to whoever reads
            self._failure = error
        self._detector.finish()
        self._tell(self._end)

    def _decode(self) -> None:
        size = self._rate_hz * BLOCK_MS // 1000
        block, filled = np.empty(size, np.int16), 0
        try:
            with closing(decode(self._path, self._rate_hz, self.faults)) as parts:
                for part in parts:
                    begin = 0
                    while begin < len(part):
                        taken = min(len(part) - begin, size - filled)
                        block[filled : filled + taken] = part[begin : begin + taken]
                        begin, filled = begin + taken, filled + taken
                        if filled == size:
                            if not self._hand_over(block):
                                return
                            block, filled = np.empty(size, np.int16), 0
        finally:
            if filled:
                self._hand_over(block[:filled])

    def _hand_over(self, block: Pcm) -> bool:
        """Waits while there is enough; False if nobody reads any more."""
        # `aclose` releases once, for the wait that is on; none may begin after it.
        if self._stop.is_set() or not self._room.acquire() or self._stop.is_set():
            return False
        self._detector.feed(block)
        self.decoded_samples += len(block)
        self._tell(lambda: self._take(block))
        return True

    def _tell(self, what: Callable[[], None]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(what)

    def _take(self, block: Pcm) -> None:
        if not self._stop.is_set():
            self._blocks.append(block)
        self._news.set()

    def _end(self) -> None:
        self._ended = True
        self._over.set()
        self._news.set()
