"""Sound files of any format, made in a folder as they are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

import av
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

RATE_HZ = 48_000


class MakeSound(Protocol):
    """`make_sound("a.flac", "flac", 2.0)`: a tone of 440 Hz, in stereo; `video` comes before it."""

    def __call__(
        self, name: str, codec: str | None, seconds: float = 1.0, *, video: bool = False, rate_hz: int = RATE_HZ
    ) -> Path: ...


def sound_maker(folder: Path) -> MakeSound:
    def make(
        name: str, codec: str | None, seconds: float = 1.0, *, video: bool = False, rate_hz: int = RATE_HZ
    ) -> Path:
        file = folder / name
        with av.open(str(file), "w") as container:
            sound = cast("Any", container.add_stream(codec, rate=rate_hz)) if codec else None
            if sound is not None:
                sound.layout = "stereo"
            if video:
                _film(container, seconds)
            if sound is not None:
                tone = (np.sin(np.arange(round(rate_hz * seconds)) * 2 * np.pi * 440 / rate_hz) * 9000).astype(np.int16)
                frame = av.AudioFrame.from_ndarray(cast("Any", np.repeat(tone, 2)[None]), format="s16", layout="stereo")
                frame.sample_rate = rate_hz
                for packet in [*sound.encode(frame), *sound.encode(None)]:
                    container.mux(packet)
        return file

    return make


def _film(container: Any, seconds: float) -> None:
    stream = container.add_stream("mpeg4", rate=10)
    stream.width = stream.height = 64
    stream.pix_fmt = "yuv420p"
    picture = np.zeros((64, 64, 3), np.uint8)
    for _ in range(max(1, round(10 * seconds))):
        for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
            container.mux(packet)
    for packet in stream.encode():
        container.mux(packet)
