"""Every usual format is decoded whole; a file that cannot be played says its name, what it is, and what is allowed."""

from __future__ import annotations

import os
import pickle
import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from examples.simple_test_client import audio_file
from examples.simple_test_client.audio_file import ALLOWED, AudioFileError, Faults, decode, probe
from sim.audio_format import AudioFormat, encode
from sim.publisher import tone

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from client_sounds import MakeSound

    from sim.waveform import Pcm

RATE_HZ = 24_000


def samples(file: Path, faults: Faults | None = None) -> int:
    return sum(len(block) for block in decode(file, RATE_HZ, faults))


def write_wav(file: Path, seconds: float, rate_hz: int = 16_000) -> Path:
    with wave.open(str(file), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(tone(seconds * 1000, rate_hz).tobytes() if seconds else b"")
    return file


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.m4a", "aac"), ("a.ogg", "libopus"), ("a.flac", "flac"), ("a.webm", "libopus"), ("a.wav", "pcm_s24le")],
)
def test_a_usual_format_is_decoded_whole(make_sound: MakeSound, name: str, codec: str) -> None:
    """Mono at the asked rate, as long as what was encoded (AAC pads), and the tone is still the tone."""
    pcm = np.concatenate(list(decode(make_sound(name, codec, 1.0), RATE_HZ)))
    assert abs(len(pcm) - RATE_HZ) < RATE_HZ * 0.06
    middle = pcm[RATE_HZ // 4 : RATE_HZ * 3 // 4]
    spectrum = np.abs(np.fft.rfft(middle))
    assert int(np.argmax(spectrum)) * 2 == pytest.approx(440, abs=4)  # half a second: 2 Hz a line


def test_mp3_is_decoded_whole(tmp_path: Path) -> None:
    """Bare MP3 frames without any head, of which no length is declared."""
    file = tmp_path / "a.mp3"
    file.write_bytes(encode(tone(2000, 44_100), AudioFormat("mp3", 44_100)))
    assert abs(samples(file) - 2 * RATE_HZ) < RATE_HZ * 0.1


def test_sound_beside_a_picture_is_found(make_sound: MakeSound) -> None:
    """A film is played without its picture."""
    assert abs(samples(make_sound("film.mkv", "libopus", 1.0, video=True)) - RATE_HZ) < RATE_HZ * 0.06


def test_a_name_is_never_an_address(make_sound: MakeSound, tmp_path: Path) -> None:
    """A file whose name looks like a URL is still that file."""
    (tmp_path / "http:").mkdir()
    file = make_sound("a.flac", "flac", 0.5).rename(tmp_path / "http:" / "a%20b?c.flac")
    assert samples(file) == RATE_HZ // 2


def missing(folder: Path, _: MakeSound) -> Path:
    return folder / "bad.wav"


def folder_itself(folder: Path, _: MakeSound) -> Path:
    return folder


def no_name(folder: Path, _: MakeSound) -> Path:
    return folder / "b\0d"


def empty(folder: Path, _: MakeSound) -> Path:
    (folder / "bad").write_bytes(b"")
    return folder / "bad"


def text(folder: Path, _: MakeSound) -> Path:
    (folder / "bad.mp3").write_text("This is a text. " * 50)
    return folder / "bad.mp3"


def playlist(folder: Path, _: MakeSound) -> Path:
    # Without an end: FFmpeg would read it again and again, for ever.
    (folder / "bad.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n")
    return folder / "bad.m3u8"


def silent_film(_: Path, make_sound: MakeSound) -> Path:
    return make_sound("bad.mp4", None, 0.5, video=True)


def no_length(folder: Path, _: MakeSound) -> Path:
    return write_wav(folder / "bad.wav", 0)


def cut_wav(folder: Path, _: MakeSound) -> Path:
    file = write_wav(folder / "bad.wav", 2.0)
    os.truncate(file, file.stat().st_size // 2)
    return file


def cut_m4a(_: Path, make_sound: MakeSound) -> Path:
    file = make_sound("bad.m4a", "aac", 2.0)
    os.truncate(file, file.stat().st_size * 6 // 10)
    return file


def pipe(folder: Path, _: MakeSound) -> Path:
    os.mkfifo(folder / "bad")
    return folder / "bad"


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (missing, "no such file"),
        (folder_itself, "a folder"),
        (no_name, "null"),
        (pipe, "not a regular file"),
        (empty, "an empty file (0 bytes)"),
        (text, "not sound, or cut before its index (it begins with b'This is a te')"),
        (playlist, "a list of other files"),
        (silent_film, "no sound, but video (mpeg4)"),
        (no_length, "0 s of sound"),
        (cut_wav, "truncated: 32022 bytes of the 64044 that it declares"),
        (cut_m4a, "cut before its index"),
    ],
)
def test_a_bad_file_is_told_before_anything_is_played(
    tmp_path: Path, make_sound: MakeSound, make: Callable[[Path, MakeSound], Path], found: str
) -> None:
    """The first block is never given out; the message has the file, what was found and what is allowed."""
    file = make(tmp_path, make_sound)
    with pytest.raises(AudioFileError) as told:
        probe(file)
    assert str(file) in str(told.value)
    assert found in told.value.found
    assert ALLOWED in str(told.value)


@pytest.mark.parametrize(("name", "codec"), [("cut.flac", "flac"), ("cut.webm", "libopus")])
def test_a_cut_file_is_told_behind_its_last_sample(make_sound: MakeSound, name: str, codec: str) -> None:
    """What there is of it comes first."""
    file = make_sound(name, codec, 2.0)
    os.truncate(file, file.stat().st_size * 6 // 10)
    blocks: list[Pcm] = []
    with pytest.raises(AudioFileError, match=r"truncated: \d\.\d s of the 2\.0 s that it declares"):
        blocks.extend(decode(file, RATE_HZ))
    assert RATE_HZ * 0.5 < sum(map(len, blocks)) < RATE_HZ * 1.6


def test_a_file_of_enormous_size_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its size, and by the length that it declares."""
    huge = tmp_path / "huge.wav"
    huge.touch()
    os.truncate(huge, audio_file.LARGEST_BYTES + 1)
    with pytest.raises(AudioFileError, match=r"huge\.wav: 2048 MB; allowed: .* at most 3600 s and 2048 MB"):
        probe(huge)
    monkeypatch.setattr(audio_file, "LONGEST_S", 1.0)
    with pytest.raises(AudioFileError, match="2 s of sound"):
        probe(write_wav(tmp_path / "long.wav", 2.0))


def test_a_file_that_does_not_tell_its_length_is_cut_off_at_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a recording that was written to a pipe; it ends with the error, after at most the limit."""
    file = write_wav(tmp_path / "endless.wav", 2.0)
    head = bytearray(file.read_bytes())
    head[4:8] = head[40:44] = b"\xff" * 4
    file.write_bytes(head)
    monkeypatch.setattr(audio_file, "LONGEST_S", 1.0)
    blocks: list[Pcm] = []
    with pytest.raises(AudioFileError, match=r"longer than 1 s|s of sound"):
        blocks.extend(decode(file, RATE_HZ))
    assert sum(map(len, blocks)) <= RATE_HZ


def test_broken_parts_are_left_out_and_counted(tmp_path: Path) -> None:
    """Noise in the middle of an MP3 costs that part; the rest is played."""
    mp3 = bytearray(encode(tone(3000, 44_100), AudioFormat("mp3", 44_100)))
    middle = len(mp3) // 2
    mp3[middle : middle + 3000] = np.random.default_rng(1).bytes(3000)
    (tmp_path / "scratched.mp3").write_bytes(mp3)
    faults = Faults()
    got = samples(tmp_path / "scratched.mp3", faults)
    assert RATE_HZ * 2.4 < got <= RATE_HZ * 3.1


def test_the_error_survives_a_process_border(tmp_path: Path) -> None:
    """Pickled and back it says the same."""
    error = AudioFileError(tmp_path / "a.wav", "a folder")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
