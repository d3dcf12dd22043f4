"""The two ways to reach espeak-ng: its library in child processes of ours, or its program."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import shutil
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

CHILD = Path(__file__).with_name("voice_child.py")
CHILDREN = 2
WAV_HEADER_BYTES = 44
PROGRAM_RATE_HZ = 22_050

Pcm = npt.NDArray[np.int16]


class VoiceUnavailableError(RuntimeError):
    """There is no offline voice, or it failed: the message says why and what to do."""


@dataclass(frozen=True)
class EspeakVoice:
    """`name` is a language with a variant ("en-us+f3"); `pitch` 0-99, 50 is normal."""

    name: str
    pitch: int = 50
    words_per_minute: int = 165


class Espeak(Protocol):
    async def render(self, text: str, voice: EspeakVoice) -> tuple[Pcm, int]:
        """Samples and their rate in Hz. Must not be cancelled: an answer left in the pipe spoils the next."""
        ...

    async def aclose(self) -> None: ...


def find_espeak() -> Espeak:
    """The package `espeakng-loader` if it is installed, else the program `espeak-ng`."""
    try:
        loader = cast("Any", importlib.import_module("espeakng_loader"))
    except ImportError:
        program = shutil.which("espeak-ng")
        if program is None:
            raise VoiceUnavailableError(
                "no offline voice: run `uv sync --group local` (brings espeakng-loader), or install the program"
                " espeak-ng (apt install espeak-ng, brew install espeak-ng)"
            ) from None
        return EspeakProgram(program)
    return EspeakLibrary(loader.get_library_path(), loader.get_data_path())


class EspeakLibrary:
    """A few long-lived children, started when first needed, each rendering one text at a time."""

    def __init__(self, library: str, data: str, *, children: int = CHILDREN) -> None:
        self._argv = (sys.executable, "-I", "-S", str(CHILD), library, data)
        self._slots = asyncio.Semaphore(children)
        self._idle: list[asyncio.subprocess.Process] = []
        self._all: set[asyncio.subprocess.Process] = set()

    async def render(self, text: str, voice: EspeakVoice) -> tuple[Pcm, int]:
        request = {
            "voice": voice.name,
            "text": text.replace("\0", " "),
            "words_per_minute": voice.words_per_minute,
            "pitch": voice.pitch,
        }
        async with self._slots:
            child = self._idle.pop() if self._idle else await self._start()
            assert child.stdin is not None
            assert child.stdout is not None
            try:
                child.stdin.write(json.dumps(request).encode() + b"\n")
                await child.stdin.drain()
                rate_hz, size = struct.unpack("<ii", await child.stdout.readexactly(8))
                body = await child.stdout.readexactly(size)
            except (asyncio.IncompleteReadError, OSError) as error:
                await self._end(child)
                raise VoiceUnavailableError(f"the voice's child process ended: code {child.returncode}") from error
            except BaseException:
                await self._end(child)
                raise
            self._idle.append(child)
        if rate_hz <= 0:
            raise VoiceUnavailableError(body.decode(errors="replace"))
        return np.frombuffer(body, dtype="<i2").astype(np.int16, copy=False), rate_hz

    async def aclose(self) -> None:
        await asyncio.gather(*(self._end(child) for child in list(self._all)))

    async def _start(self) -> asyncio.subprocess.Process:
        child = await asyncio.create_subprocess_exec(
            *self._argv, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True
        )
        self._all.add(child)
        return child

    async def _end(self, child: asyncio.subprocess.Process) -> None:
        self._all.discard(child)
        if child in self._idle:
            self._idle.remove(child)
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


class EspeakProgram:
    """One short run of the program for each text."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._slots = asyncio.Semaphore(CHILDREN)

    async def render(self, text: str, voice: EspeakVoice) -> tuple[Pcm, int]:
        options = ("-v", voice.name, "-s", str(voice.words_per_minute), "-p", str(voice.pitch))
        async with self._slots:
            child = await asyncio.create_subprocess_exec(
                *(self._program, *options, "--stdin", "--stdout"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            try:
                wav, errors = await child.communicate(text.encode())
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    child.kill()
                await child.wait()
                raise
        if child.returncode != 0:
            raise VoiceUnavailableError(f"espeak-ng failed ({child.returncode}): {errors.decode(errors='replace')}")
        # The header's length is false when the program writes to a pipe: everything after it is audio.
        body = wav[WAV_HEADER_BYTES:]
        rate_hz = int(struct.unpack_from("<i", wav, 24)[0]) if body else PROGRAM_RATE_HZ
        return np.frombuffer(body[: len(body) & ~1], dtype="<i2").astype(np.int16, copy=False), rate_hz

    async def aclose(self) -> None:
        """Nothing outlives a call of `render`."""
