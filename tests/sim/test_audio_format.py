"""Formats by their names, and samples encoded as they say."""

from __future__ import annotations

import numpy as np
import pytest

from sim.audio_format import AudioFormat, encode, parse_format


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("pcm_24000", AudioFormat("pcm", 24_000)),
        ("mp3_22050_32", AudioFormat("mp3", 22_050, 32)),
        ("mp3_44100", AudioFormat("mp3", 44_100, 128)),
    ],
)
def test_formats_are_read_from_their_names(name: str, expected: AudioFormat) -> None:
    """Codec, rate and bit rate."""
    assert parse_format(name) == expected


@pytest.mark.parametrize("name", ["", "pcm", "pcm_12345", "wav_24000", "mp3_22050_x"])
def test_other_formats_are_refused_by_name(name: str) -> None:
    """The message says what came and what is allowed."""
    with pytest.raises(ValueError, match=f"pcm_<rate>.*got '{name}'"):
        parse_format(name)


def test_nothing_encodes_to_nothing() -> None:
    """An empty speech has no header either."""
    assert encode(np.zeros(0, dtype=np.int16), parse_format("mp3_44100")) == b""


def test_pcm_is_the_samples_themselves() -> None:
    """Little-endian, two bytes a sample."""
    assert encode(np.array([1, -2], dtype=np.int16), parse_format("pcm_16000")) == b"\x01\x00\xfe\xff"


def test_mp3_has_its_bit_rate() -> None:
    """Ten seconds at 32 kbit/s are 40 kB, give or take the codec's own frames."""
    size = len(encode(np.zeros(220_500, dtype=np.int16), parse_format("mp3_22050_32")))
    assert 38_000 <= size <= 42_000
