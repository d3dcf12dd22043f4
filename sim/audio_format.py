"""ElevenLabs' `output_format` names, and samples encoded as they say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

import av
import numpy as np

if TYPE_CHECKING:
    from sim.espeak import Pcm

DEFAULT_FORMAT = "mp3_44100_128"
DEFAULT_BITRATE_KBPS = 128
ALLOWED = "pcm_<rate> or mp3_<rate>[_<kbit/s>] with a rate of 8000, 16000, 22050, 24000, 44100 or 48000 Hz"
_RATES_HZ = frozenset({8_000, 16_000, 22_050, 24_000, 44_100, 48_000})


@dataclass(frozen=True)
class AudioFormat:
    """Mono; pcm is s16le; `bitrate_kbps` matters to mp3 only."""

    codec: Literal["pcm", "mp3"]
    sample_rate_hz: int
    bitrate_kbps: int = DEFAULT_BITRATE_KBPS

    @property
    def content_type(self) -> str:
        return "audio/mpeg" if self.codec == "mp3" else "audio/pcm"


def parse_format(name: str) -> AudioFormat:
    """Raises ValueError that says what is allowed."""
    found = re.fullmatch(r"(?:pcm_(\d+)|mp3_(\d+)(?:_(\d+))?)", name)
    rate_hz = int(found[1] or found[2]) if found else 0
    if found is None or rate_hz not in _RATES_HZ:
        raise ValueError(f"output_format must be {ALLOWED}, got {name!r}")
    if found[1]:
        return AudioFormat("pcm", rate_hz)
    return AudioFormat("mp3", rate_hz, int(found[3] or DEFAULT_BITRATE_KBPS))


def encode(pcm: Pcm, audio_format: AudioFormat) -> bytes:
    """The whole signal; mp3 frames come bare, so that several signals may follow each other in one stream."""
    if audio_format.codec == "pcm":
        return pcm.astype("<i2", copy=False).tobytes()
    if not len(pcm):
        return b""
    encoder = cast("Any", av.CodecContext.create("libmp3lame", "w"))
    encoder.sample_rate = audio_format.sample_rate_hz
    encoder.layout = "mono"
    encoder.format = "s16p"
    encoder.bit_rate = audio_format.bitrate_kbps * 1000
    frame = av.AudioFrame.from_ndarray(cast("Any", pcm[np.newaxis]), format="s16p", layout="mono")
    frame.sample_rate = audio_format.sample_rate_hz
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])
