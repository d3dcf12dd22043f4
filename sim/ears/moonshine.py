"""Real ears without a key: the small English model inside the `moonshine-voice` wheel."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .base import EARS_RATE_HZ, Activity, Samples, Word
from .commands import as_command
from .segments import Segmenter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

INSTALL = "uv sync --group local"
INTERIM_EVERY_MS = 300
SETTLED_SILENCE_MS = 150
"""After this much silence the words are worked out once more, so that they are ready at the endpoint."""
SHORTEST_SOUND_MS = 250
LONGEST_STRETCH_MS = 25_000
EDGE_MS = 100


@cache
def unavailable_reason() -> str | None:
    """Why these ears cannot work on this machine, and what to do; None when they can."""
    for module, package in (("moonshine_voice", "moonshine-voice==0.1.0"), ("rapidfuzz", "rapidfuzz")):
        if importlib.util.find_spec(module) is None:
            return f"{package} is not installed: {INSTALL}"
    try:
        library = importlib.import_module("moonshine_voice")
    except (ImportError, OSError) as error:
        return f"moonshine-voice does not load here ({error}): speech needs Linux with glibc 2.34, macOS 15 or Windows"
    weights = Path(library.get_model_path("tiny-en"), "encoder_model.ort")
    if not weights.exists():
        return "moonshine-voice has no weights: only version 0.1.0 brings them, pin it exactly"
    return None


@cache
def _executor() -> ThreadPoolExecutor:
    # One thread for the process: a second one gains nothing, the model uses the cores itself.
    return ThreadPoolExecutor(1, thread_name_prefix="moonshine")


@cache
def _transcriber() -> Any:
    library = cast("Any", importlib.import_module("moonshine_voice"))
    path = str(library.get_model_path("tiny-en"))
    # Our own segmenter decides what is speech; a copy of the audio in the answer would only cost time.
    options = {"vad_threshold": "0", "return_audio_data": "false"}
    return library.Transcriber(path, library.ModelArch.TINY, options=options)


def _transcribe(pcm: Samples) -> str:
    edge = np.zeros(EARS_RATE_HZ * EDGE_MS // 1000, np.int16)
    audio = (np.concatenate([edge, pcm, edge]).astype(np.float32) / 32768).tolist()
    lines = cast("list[Any]", _transcriber().transcribe_without_streaming(audio, EARS_RATE_HZ).lines)
    return " ".join(str(line.text).strip() for line in lines).strip()


def warm_up() -> None:
    """Load the model in the background (about half a second, 200 MB). Cheap when it is loaded."""
    _executor().submit(_transcriber)


@dataclass(frozen=True, slots=True)
class _Sound:
    """A stretch of the stream to transcribe: its audible spans in ms."""

    spans: tuple[tuple[float, float], ...]

    @property
    def length_ms(self) -> float:
        return sum(end_ms - start_ms for start_ms, end_ms in self.spans)

    def at(self, share: float) -> float:
        """The time when this share (0 to 1) of the sound has passed; silence between spans is skipped."""
        left_ms = share * self.length_ms
        for start_ms, end_ms in self.spans:
            if left_ms <= end_ms - start_ms:
                return start_ms + left_ms
            left_ms -= end_ms - start_ms
        return self.spans[-1][1]


def spread(text: str, sound: _Sound) -> list[Word]:
    """Give each word its share of the sound by its length: the model reports no times."""
    words = text.split()
    total = sum(len(word) + 1 for word in words)
    spread_words: list[Word] = []
    passed = 0
    for word in words:
        start_ms, passed = sound.at(passed / total), passed + len(word) + 1
        spread_words.append(Word(word, start_ms, sound.at(passed / total), "en", 0.9))
    return spread_words


class MoonshineEars:
    """Transcribes English speech: the sound since the last settled point, again and again as it grows.

    `wanted(start_ms)` says whether a sound that began then is to be transcribed at all; asked at each block.
    """

    def __init__(self, wanted: Callable[[float], bool] | None = None) -> None:
        self._wanted = wanted
        self._segmenter = Segmenter()
        self._blocks: deque[Samples] = deque()
        self._kept_from_ms = 0.0
        self._spans: list[tuple[float, float]] = []
        self._settled_ms = 0.0
        self._settled_words: list[Word] = []
        self._words: list[Word] = []
        self._worked_ms = 0.0
        """The end of the sound that `_words` know."""
        self._job: tuple[_Sound, Future[str]] | None = None
        warm_up()

    @property
    def activity(self) -> Activity:
        return self._segmenter.activity

    def feed(self, pcm: Samples) -> None:
        self._blocks.append(pcm)
        self._segmenter.feed(pcm)
        start_ms, last_ms = self._segmenter.segment_start_ms, self._segmenter.last_sound_ms
        if start_ms is not None and last_ms is not None:
            begin_ms = max(start_ms, self._settled_ms)
            if self._spans and self._spans[-1][1] >= begin_ms:
                begin_ms = self._spans.pop()[0]
            if last_ms > begin_ms:
                self._spans.append((begin_ms, last_ms))
        self._drop_before(self._spans[0][0] if self._spans else self._segmenter.heard_ms - 1000)
        self._drop_before(self._segmenter.heard_ms - LONGEST_STRETCH_MS)
        self._take_result()
        if self._job is None and self._spans and self._is_due():
            self._job = self._submit()

    def _drop_before(self, before_ms: float) -> None:
        while self._blocks and self._kept_from_ms + _ms(self._blocks[0]) <= before_ms:
            self._kept_from_ms += _ms(self._blocks.popleft())

    def _is_due(self) -> bool:
        start_ms, end_ms = self._spans[0][0], self._spans[-1][1]
        if end_ms - self._worked_ms <= 0 or (self._wanted is not None and not self._wanted(start_ms)):
            return False
        quiet = self._segmenter.heard_ms - end_ms >= SETTLED_SILENCE_MS
        return quiet or end_ms - max(start_ms, self._worked_ms) >= INTERIM_EVERY_MS

    def _submit(self) -> tuple[_Sound, Future[str]]:
        sound = _Sound(tuple(self._spans))
        audio = np.concatenate(self._blocks)
        first = int((sound.spans[0][0] - EDGE_MS - self._kept_from_ms) * EARS_RATE_HZ / 1000)
        last = int((sound.spans[-1][1] + EDGE_MS - self._kept_from_ms) * EARS_RATE_HZ / 1000)
        return sound, _executor().submit(_transcribe, audio[max(0, first) : last])

    def _take_result(self) -> None:
        if self._job is None or not self._job[1].done():
            return
        (sound, future), self._job = self._job, None
        if not self._spans or sound.spans[0][0] != self._spans[0][0]:
            return  # Settled meanwhile: these words are already told.
        text = as_command(future.result(), sound.length_ms)
        self._words = spread(text, sound) if sound.length_ms >= SHORTEST_SOUND_MS else []
        self._worked_ms = sound.spans[-1][1]

    def words(self) -> Sequence[Word]:
        self._take_result()
        if self._spans and self._wanted is not None and not self._wanted(self._spans[0][0]):
            return self._settled_words
        return self._settled_words + self._words

    async def settled(self, until_ms: float) -> Sequence[Word]:
        while self._spans and self._spans[0][0] < until_ms:
            if self._wanted is not None and not self._wanted(self._spans[0][0]):
                self._words = []
                break
            self._take_result()
            if self._worked_ms >= min(until_ms, self._spans[-1][1]):
                break
            self._job = self._job or self._submit()
            await asyncio.wait([asyncio.wrap_future(self._job[1])])
        self._settled_words += [word for word in self._words if word.start_ms < until_ms]
        self._words = []
        self._settled_ms = max(self._settled_ms, until_ms)
        self._spans = [(max(a, until_ms), b) for a, b in self._spans if b > until_ms]
        return self._settled_words

    def forget(self, before_ms: float) -> None:
        self._settled_words = [word for word in self._settled_words if word.end_ms >= before_ms]

    async def aclose(self) -> None:
        if self._job is not None:
            self._job[1].cancel()
            self._job = None


def _ms(pcm: Samples) -> float:
    return len(pcm) * 1000 / EARS_RATE_HZ
