"""The last words that need no provider: played when nothing else can speak."""

from __future__ import annotations

import wave
from functools import cache
from pathlib import Path

import numpy as np

from prewarm.greeting import Greeting
from prewarm.providers import TTS_SAMPLE_RATE_HZ

FOLDER = Path(__file__).parent / "recorded"

TEXTS = {
    "sorry": "I'm sorry, something went wrong just now. Could you say that again, please?",
    "goodbye": "I'm sorry, I am having trouble speaking right now. Please call again in a few minutes. Goodbye.",
}


@cache
def recording(name: str) -> Greeting:
    """The recording `sorry` or `goodbye`: 24 kHz mono. Raises KeyError for another name."""
    text = TEXTS[name]
    with wave.open(str(FOLDER / f"{name}.wav"), "rb") as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (TTS_SAMPLE_RATE_HZ, 1, 2):
            raise ValueError(f"{name}.wav: allowed: {TTS_SAMPLE_RATE_HZ} Hz, mono, 16 bit")
        pcm = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
    return Greeting(text, pcm)
