"""Sound of any format as mono blocks, and a clear error for a file that has none. Blocks: for a thread."""

from __future__ import annotations

import stat
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn, cast

import av
import av.error
import numpy as np
from av.audio.resampler import AudioResampler

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from av.container import InputContainer

    from sim.waveform import Pcm

LONGEST_S = 3600.0
LARGEST_BYTES = 2 << 30
PROBE_HZ = 16_000
READ_LIMIT_S = 10.0
ALLOWED = (
    f"a whole file with sound that FFmpeg can read (WAV, MP3, M4A, OGG, FLAC, WebM, ...), at most {LONGEST_S:.0f} s "
    f"and {LARGEST_BYTES >> 20} MB"
)
# Others, MP3 above all, have their length guessed from the bit rate, and a wrong guess is no fault of the file.
DECLARE_THEIR_LENGTH = frozenset({"flac", "matroska,webm", "mov,mp4,m4a,3gp,3g2,mj2", "aiff", "caf", "avi"})
MISSING_SHARE, MISSING_S = 0.02, 0.25
"""What may be missing of a declared length: encoders count their padding in different ways."""
LIST = "a list of other files"
PLAYLISTS = (b"#EXTM3U", b"ffconcat")
ANY_LENGTH = (0, 0xFFFFFFFF)  # a WAV whose writer could not go back to its head


class AudioFileError(ValueError):
    """The file cannot be played: the message names it, what was found, and what is allowed."""

    def __init__(self, path: Path, found: str) -> None:
        super().__init__(f"{path}: {found}; allowed: {ALLOWED}")
        self.path = path
        self.found = found

    def __reduce__(self) -> tuple[type[AudioFileError], tuple[Path, str]]:
        return type(self), (self.path, self.found)


@dataclass
class Faults:
    """Parts of the file that could not be decoded, and were left out as every player does."""

    packets: int = 0


def decode(path: Path, sample_rate_hz: int, faults: Faults | None = None) -> Generator[Pcm]:
    """Mono int16 blocks of some ten ms each, read and converted one after the other.

    Raises `AudioFileError` before the first block where the file has no sound, and after the last one where less
    came than the file declares.
    """
    faults = faults or Faults()
    samples = 0

    def refuse(*_: object) -> NoReturn:
        raise AudioFileError(path, LIST)

    try:
        # An open file, not a name: FFmpeg takes some names for addresses. What other lists it knows is refused when it
        # opens what they name: one without an end is read again and again.
        with _opened(path) as file, av.open(file, "r", io_open=refuse, timeout=READ_LIMIT_S) as container:
            declared_s = _declared_s(path, container)
            for block in _blocks(container, sample_rate_hz, faults):
                samples += len(block)
                if samples > LONGEST_S * sample_rate_hz:
                    raise AudioFileError(path, f"longer than {LONGEST_S:.0f} s")
                yield block
    except AudioFileError:
        raise
    except (av.error.FFmpegError, OSError) as error:
        raise AudioFileError(path, _reason(path, error)) from error
    decoded_s = samples / sample_rate_hz
    if not samples:
        found = f"none of its {faults.packets} packets could be decoded" if faults.packets else "0 s of sound"
        raise AudioFileError(path, found)
    if declared_s is not None and decoded_s < declared_s * (1 - MISSING_SHARE) - MISSING_S:
        raise AudioFileError(path, f"truncated: {decoded_s:.1f} s of the {declared_s:.1f} s that it declares")


def probe(path: Path) -> None:
    """Decode the first block: raises `AudioFileError` for a file of which nothing can be played. Takes some ms."""
    with closing(decode(path, PROBE_HZ)) as blocks:
        next(blocks)


@contextmanager
def _opened(path: Path) -> Generator[BinaryIO]:
    """The file, if it is a whole one as far as can be told without decoding."""
    try:
        # A pipe without a writer would block here.
        if not stat.S_ISREG(path.stat().st_mode):
            raise AudioFileError(path, "a folder" if path.is_dir() else "not a regular file")
        file = path.open("rb")
    except (OSError, ValueError) as error:
        if isinstance(error, AudioFileError):
            raise
        raise AudioFileError(path, (getattr(error, "strerror", None) or str(error)).lower()) from error
    with file:
        _check(path, file.read(12), path.stat().st_size)
        file.seek(0)
        yield file


def _check(path: Path, head: bytes, size: int) -> None:
    if not head:
        raise AudioFileError(path, "an empty file (0 bytes)")
    if head.startswith(PLAYLISTS):
        raise AudioFileError(path, LIST)
    if size > LARGEST_BYTES:
        raise AudioFileError(path, f"{size >> 20} MB")
    riff_size = int.from_bytes(head[4:8], "little")
    # libav plays what there is of a cut WAV and says nothing.
    if head[:4] == b"RIFF" and riff_size not in ANY_LENGTH and riff_size + 8 > size:
        raise AudioFileError(path, f"truncated: {size} bytes of the {riff_size + 8} that it declares")


def _declared_s(path: Path, container: InputContainer) -> float | None:
    if not container.streams.audio:
        kinds = ", ".join(f"{stream.type} ({_codec(stream)})" for stream in container.streams)
        raise AudioFileError(path, f"no sound, but {kinds or 'nothing at all'}")
    declared_s = None if container.duration is None else container.duration / av.time_base
    if declared_s is not None and declared_s > LONGEST_S:
        raise AudioFileError(path, f"{declared_s:.0f} s of sound")
    return declared_s if container.format.name in DECLARE_THEIR_LENGTH else None


def _blocks(container: InputContainer, sample_rate_hz: int, faults: Faults) -> Iterator[Pcm]:
    resampler = AudioResampler(format="s16", layout="mono", rate=sample_rate_hz)
    shape: tuple[str, str, int] | None = None
    for packet in container.demux(container.streams.audio[0]):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            faults.packets += 1
            continue
        for frame in frames:
            now = (frame.format.name, frame.layout.name, frame.sample_rate)
            if shape not in (None, now):  # as radio recordings do, and files that were put together
                yield from _flush(resampler)
                resampler = AudioResampler(format="s16", layout="mono", rate=sample_rate_hz)
            shape = now
            frame.pts = None  # gaps in the file's own clock are not played
            for converted in resampler.resample(frame):
                yield _pcm(converted)
    if shape is not None:
        yield from _flush(resampler)


def _flush(resampler: AudioResampler) -> Iterator[Pcm]:
    for converted in resampler.resample(None):
        yield _pcm(converted)


def _pcm(frame: av.AudioFrame) -> Pcm:
    return cast("Pcm", frame.to_ndarray()[0]).astype(np.int16, copy=False)


def _codec(stream: Any) -> str:
    context = getattr(stream, "codec_context", None)
    return getattr(context, "name", None) or "unknown"


def _reason(path: Path, error: Exception) -> str:
    if not isinstance(error, av.error.InvalidDataError):
        reason = getattr(error, "strerror", None) or str(error)
        return f"cannot be read ({reason})"
    with path.open("rb") as file:
        return f"not sound, or cut before its index (it begins with {file.read(12)!r})"
