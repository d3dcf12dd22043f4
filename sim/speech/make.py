"""Make the recorded caller speech: `python -m sim.speech.make`. Needs `espeak-ng`, and `ffmpeg` with flite.

Not needed at run time: the recordings and their manifest are committed. English is spoken by flite's
voices. Their word times come from aligning the same words by espeak-ng, which reports its own word
times, to the recording (dynamic time warping over log spectra, within about 50 ms).
"""

from __future__ import annotations

import ctypes
import itertools
import json
import subprocess
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sim.speech import noises

HERE = Path(__file__).parent
RATE_HZ = 16_000
HOP = RATE_HZ // 100
EDGE_MS = 20
AUDIBLE_BELOW_PEAK_DB = 40.0
TARGET_PEAK = 0.5


@dataclass(frozen=True)
class Phrase:
    """What is said: parts of text with the pause (ms) after each but the last."""

    id: str
    parts: tuple[str, ...]
    voice: str = "slt"
    pause_ms: int = 0
    language: str = "en"
    tempo: float = 1.0
    """Above 1 faster: a voice reads "okay" as a sentence of its own, at half the pace of a listener's."""


PHRASES = [
    Phrase("hello", ("Hello.",)),
    Phrase("good_morning", ("Good morning, how are you?",), "awb"),
    Phrase("opening_hours", ("What are your opening hours?",)),
    Phrase("time", ("What time is it?",), "rms"),
    Phrase("who_are_you", ("Who are you?",)),
    Phrase("book_table", ("Can I book a table for two tomorrow at seven?",)),
    Phrase("yes_please", ("Yes please.",)),
    Phrase("no_thanks", ("No, thank you.",), "rms"),
    Phrase("goodbye", ("Thank you, goodbye.",)),
    Phrase("repeat", ("Could you repeat that, please?",), "awb"),
    Phrase("spell_name", ("Can you spell your name?",)),
    Phrase("open_sunday", ("Are you open on Sunday?",), "rms"),
    Phrase("cancel", ("I would like to cancel my reservation.",)),
    Phrase("person", ("Could I speak to a person, please?",), "rms"),
    Phrase("help", ("Can you help me?",), "awb"),
    Phrase("wait_stop", ("Wait, stop.",)),
    Phrase(
        "quiet_place",
        ("I am looking for a quiet place for dinner with my family on Friday, near the window if possible.",),
    ),
    Phrase("pause_300", ("I need a table", "for four people on Friday."), "slt", 300),
    Phrase("pause_500", ("Can you tell me", "when you are open tomorrow?"), "rms", 500),
    Phrase("pause_800", ("My name is Anna", "and I have a question about parking."), "slt", 800),
    Phrase("phone_number", ("My number is five five five, zero one four two.",), "rms"),
    Phrase("filler_first", ("Um,", "what is on the menu today?"), "awb", 200),
    Phrase("filler_middle", ("I would like, um,", "a table for four."), "slt", 200),
    Phrase("filler_last", ("Do you take cards and, uh,", "is there a garden?"), "rms", 200),
    Phrase("mm_hm", ("Mm-hm.",), "hum"),
    Phrase("uh_huh", ("Uh-huh.",)),
    Phrase("yeah", ("Yeah.",), "rms", tempo=1.35),
    Phrase("okay", ("Okay.",), tempo=1.35),
    Phrase("right", ("Right.",), "rms", tempo=1.35),
    Phrase("arabic_hours", ("ما هي ساعات العمل لديكم؟",), "espeak", 0, "ar"),
    Phrase("arabic_table", ("هل عندكم طاولة لشخصين الليلة؟",), "espeak", 0, "ar"),
    Phrase("arabic_want", ("أريد أن أحجز طاولة لأربعة أشخاص يوم الجمعة.",), "espeak", 0, "ar"),
    Phrase("arabic_and", ("اسمي أحمد و عندي سؤال عن الموقف.",), "espeak", 0, "ar"),
    Phrase("arabic_number", ("رقمي هو خمسة خمسة صفر واحد اثنين أربعة سبعة.",), "espeak", 0, "ar"),
]


NOISES = (
    ("cough_2", noises.cough_2, TARGET_PEAK),
    ("clap", noises.clap, TARGET_PEAK),
    ("knock", noises.knock, TARGET_PEAK),
    ("traffic", noises.traffic, 0.32),
    ("music", noises.music, 0.32),
)
"""Id, sound, and its peak: what goes on behind a caller is softer than the caller."""


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


class Espeak:
    """espeak-ng's library: speech with the start of each word."""

    def __init__(self) -> None:
        import espeakng_loader

        self._lib = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self._rate_hz = self._lib.espeak_Initialize(2, 200, data, 0)

    def say(self, text: str, language: str) -> tuple[np.ndarray, list[float]]:
        """Return float samples at 16 kHz and the start of each word in ms."""
        blocks: list[np.ndarray] = []
        starts: list[float] = []

        @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))
        def heard(pcm: Any, count: int, events: Any) -> int:
            if count:
                blocks.append(np.ctypeslib.as_array(pcm, (count,)).copy())
            i = 0
            while events[i].type:
                if events[i].type == 1:
                    starts.append(float(events[i].audio_position_ms))
                i += 1
            return 0

        self._lib.espeak_SetSynthCallback(heard)
        self._lib.espeak_SetVoiceByName({"en": b"en-us"}.get(language, language.encode()))
        self._lib.espeak_SetParameter(1, 150, 0)
        raw = text.encode()
        self._lib.espeak_Synth(raw, len(raw) + 1, 0, 1, 0, 1, None, None)
        pcm = np.concatenate(blocks).astype(np.float64) / 32768
        count = int(len(pcm) * RATE_HZ / self._rate_hz)
        at = np.arange(count) * self._rate_hz / RATE_HZ
        return np.interp(at, np.arange(len(pcm)), pcm), starts


def flite(text: str, voice: str, tempo: float = 1.0) -> np.ndarray:
    """Speech of one of flite's voices, float samples at 16 kHz."""
    with tempfile.TemporaryDirectory() as folder:
        words = Path(folder, "words.txt")
        words.write_text(text)
        source = f"flite=textfile={words}:voice={voice}"
        faster = ["-af", f"atempo={tempo}"] if tempo != 1.0 else []
        argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, *faster, "-ar", str(RATE_HZ), "-ac", "1"]
        raw = subprocess.run([*argv, "-f", "s16le", "-"], check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.int16).astype(np.float64) / 32768


def audible(pcm: np.ndarray) -> tuple[int, int]:
    """First and last audible sample: 5 ms windows less than 40 dB below the loudest."""
    step = RATE_HZ // 200
    power = (pcm[: len(pcm) // step * step].reshape(-1, step) ** 2).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (-AUDIBLE_BELOW_PEAK_DB / 10))
    return int(loud[0]) * step, int(loud[-1] + 1) * step


def spectra(pcm: np.ndarray) -> np.ndarray:
    """Log spectra in 20 bands, one row each 10 ms, the mean of each band taken away."""
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(pcm, 200), 400)[::HOP]
    power = np.abs(np.fft.rfft(frames * np.hanning(400), 512)) ** 2
    edges = np.unique(np.geomspace(4, 220, 21).astype(int))
    bands = np.stack([power[:, a:b].mean(axis=1) for a, b in itertools.pairwise(edges)], axis=1)
    log = np.log(bands + 1e-6 * bands.max())
    return log - log.mean(axis=0)


def warp(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """For each row of `a` the row of `b` that it falls on (dynamic time warping)."""
    cost = np.linalg.norm(a[:, None] - b[None], axis=2)
    total = np.full((len(a) + 1, len(b) + 1), np.inf)
    total[0, 0] = 0.0
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            total[i, j] = cost[i - 1, j - 1] + min(total[i - 1, j - 1], total[i - 1, j], total[i, j - 1])
    i, j, path = len(a), len(b), np.zeros(len(a))
    while i > 0 and j > 0:
        path[i - 1] = j - 1
        i, j = min(((i - 1, j - 1), (i - 1, j), (i, j - 1)), key=lambda step: total[step])
    return path


def word_starts_ms(text: str, pcm: np.ndarray, model: np.ndarray, starts: list[float]) -> list[float]:
    """Carry the word starts of the model's speech over to `pcm` (both trimmed)."""
    words = text.split()
    if len(starts) != len(words):  # espeak joins or splits some words ("for a"): fall back to their lengths
        sizes = np.cumsum([0, *(len(word) + 1 for word in words)])
        starts = list(sizes[:-1] / sizes[-1] * len(model) / RATE_HZ * 1000)
    path = warp(spectra(model), spectra(pcm))
    return [float(path[min(int(start / 10), len(path) - 1)]) * 10 for start in starts]


def last_sound_ms(pcm: np.ndarray, begin_ms: float, end_ms: float) -> float:
    """Where the sound between two times ends: a comma's silence belongs to no word."""
    per_ms = RATE_HZ // 1000
    quiet = np.abs(pcm).max() * 10 ** (-AUDIBLE_BELOW_PEAK_DB / 20)
    loud = np.flatnonzero(np.abs(pcm[int(begin_ms) * per_ms : int(end_ms) * per_ms]) > quiet)
    return begin_ms + float(loud[-1] + 1) / per_ms if len(loud) else end_ms


def speak(
    espeak: Espeak, text: str, voice: str, language: str, tempo: float = 1.0
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """One part: trimmed samples and its words with times in ms from its first sample."""
    model, starts = espeak.say(text, language)
    first, last = audible(model)
    model, starts = model[first:last], [max(0.0, start - first / RATE_HZ * 1000) for start in starts]
    if voice == "espeak":
        pcm = model
    elif voice == "hum":
        pcm = noises.mm_hm()  # espeak spells it
    else:
        pcm = flite(text, voice, tempo)
        first, last = audible(pcm)
        pcm = pcm[first:last]
    begins = word_starts_ms(text, pcm, model, starts)
    nexts = [*begins[1:], len(pcm) / RATE_HZ * 1000]
    ends = [last_sound_ms(pcm, begin, end) for begin, end in zip(begins, nexts, strict=True)]
    words = [
        {"text": word, "start_ms": round(begin), "end_ms": round(end)}
        for word, begin, end in zip(text.split(), begins, ends, strict=True)
    ]
    return pcm, words


def cough() -> np.ndarray:
    """Two bursts of filtered noise, as a short cough."""
    rng = np.random.default_rng(7)
    out = np.zeros(int(0.42 * RATE_HZ))
    for begin_s, length_s, gain in ((0.0, 0.16, 1.0), (0.24, 0.17, 0.7)):
        count = int(length_s * RATE_HZ)
        noise = np.convolve(rng.standard_normal(count), np.hanning(9), "same")
        shape = np.minimum(1, np.arange(count) / 160) * np.exp(-np.arange(count) / (0.05 * RATE_HZ))
        out[int(begin_s * RATE_HZ) :][:count] += gain * noise * shape
    return out


def write(name: str, pcm: np.ndarray, peak: float) -> np.ndarray:
    """Scale to the peak, add the edges, write a WAV; return the written samples."""
    edge = np.zeros(EDGE_MS * RATE_HZ // 1000)
    scaled = np.concatenate([edge, pcm / np.abs(pcm).max() * peak, edge])
    samples = (scaled * 32767).astype("<i2")
    with wave.open(str(HERE / name), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return samples


def entry(
    phrase_id: str,
    text: str,
    language: str,
    pcm: np.ndarray,
    words: list[dict[str, Any]],
    peak: float = TARGET_PEAK,
) -> Any:
    """Write one recording and return its line of the manifest; word times are moved by the edge."""
    name = f"{phrase_id}.wav"
    samples = write(name, pcm, peak)
    for word in words:
        word["start_ms"] += EDGE_MS
        word["end_ms"] += EDGE_MS
    _, last = audible(samples / 32768)
    end_ms = round(last / RATE_HZ * 1000)
    if words and words[-1]["end_ms"] > end_ms + EDGE_MS:
        words[-1]["end_ms"] = end_ms  # a long soft breath at its end belongs to no word
    return {
        "id": phrase_id,
        "file": name,
        "text": text,
        "language": language,
        "duration_ms": round(len(samples) / RATE_HZ * 1000),
        "speech_end_ms": end_ms,
        "words": words,
    }


def main() -> None:
    espeak = Espeak()
    manifest: list[Any] = []
    for phrase in PHRASES:
        pieces: list[np.ndarray] = []
        words: list[dict[str, Any]] = []
        for i, part in enumerate(phrase.parts):
            if i:
                pieces.append(np.zeros(phrase.pause_ms * RATE_HZ // 1000))
            before_ms = sum(map(len, pieces)) / RATE_HZ * 1000
            pcm, spoken = speak(espeak, part, phrase.voice, phrase.language, phrase.tempo)
            pieces.append(pcm / np.abs(pcm).max())
            for word in spoken:
                word["start_ms"] += round(before_ms)
                word["end_ms"] += round(before_ms)
            words += spoken
        text = " ".join(phrase.parts)
        manifest.append(entry(phrase.id, text, phrase.language, np.concatenate(pieces), words))
    manifest.append(entry("cough", "", "", cough(), []))
    manifest += [entry(name, "", "", make(), [], peak) for name, make, peak in NOISES]
    (HERE / "manifest.json").write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
