"""Listens for known recordings: exact, fast and repeatable, for tests and benchmarks."""

from __future__ import annotations

import itertools
from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from .envelope import BANDS, WINDOW_SAMPLES, Matrix, band_powers, compress
from .segments import Segmenter
from .utterance import GRID_MS, HOP_MS, SHIFTS, Utterance, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sim.speech.library import Recording

    from .base import Activity, Samples, Word

LEAD_FRAMES = 4
"""Frames before the onset that still count: soft beginnings."""
RECENT_FRAMES = 20
"""Kept from before an onset (400 ms): to learn the noise, and for soft beginnings."""


class Phrasebook:
    """A set of recordings, prepared for comparison."""

    def __init__(self, recordings: Iterable[Recording]) -> None:
        self.recordings = tuple(recordings)
        if not self.recordings:
            raise ValueError("recordings: a phrasebook needs at least one")
        hop = WINDOW_SAMPLES * GRID_MS // HOP_MS
        shapes = [compress(band_powers(r.pcm, hop)) for r in self.recordings]
        self.band_scale = 1 / np.concatenate(shapes).mean(axis=0)
        self._front = SHIFTS + 2 * LEAD_FRAMES
        rows = max(len(shape) for shape in shapes) + self._front + SHIFTS + 1
        self._references = np.zeros((len(shapes), rows, BANDS), np.float32)
        self._onsets_ms: list[float] = []
        for i, (recording, shape) in enumerate(zip(self.recordings, shapes, strict=True)):
            self._references[i, self._front : self._front + len(shape)] = shape * self.band_scale
            self._onsets_ms.append(_first_onset_ms(recording.pcm))
        self.longest_pause_ms = max(map(_longest_pause_ms, self.recordings))

    def ears(self) -> PhrasebookEars:
        """A listener for one stream."""
        return PhrasebookEars(self)

    def onset_ms(self, index: int) -> float:
        """Where the sound of a recording begins."""
        return self._onsets_ms[index]

    def references(self, since_onset_ms: float) -> Matrix:
        """The rows to compare with a window that begins so long after the onset: (recordings, shifts, bands)."""
        windows = np.empty((len(self.recordings), SHIFTS, BANDS), np.float32)
        for i, onset_ms in enumerate(self._onsets_ms):
            first = self._front + round((onset_ms + since_onset_ms) / GRID_MS) - SHIFTS // 2
            first = min(max(first, 0), self._references.shape[1] - SHIFTS)
            windows[i] = self._references[i, first : first + SHIFTS]
        return windows


def _first_onset_ms(pcm: Samples) -> float:
    segmenter = Segmenter()
    for i in range(0, len(pcm), 160):
        segmenter.feed(pcm[i : i + 160])
        if segmenter.segment_start_ms is not None:
            return segmenter.segment_start_ms
    return 0.0


def _longest_pause_ms(recording: Recording) -> float:
    words = recording.words
    return max((b.start_ms - a.end_ms for a, b in itertools.pairwise(words)), default=0.0)


class PhrasebookEars:
    """Recognises the recordings of a phrasebook in a stream; any other sound has no words.

    A recording is known by how its energy in seven bands moves, compared with the beginning of each recording
    since the sound's onset. Opus, gain, steady noise and offsets and jumps of 100 ms leave that shape as it is.
    A sound that begins in the middle of a recording is unknown.
    """

    def __init__(self, book: Phrasebook) -> None:
        self._book = book
        self._segmenter = Segmenter()
        self._rest: Samples = np.zeros(0, np.int16)
        self._next_ms = 0.0
        self._recent: deque[Samples] = deque(maxlen=RECENT_FRAMES)
        self._noise = np.zeros(BANDS, np.float32)
        self._utterance: Utterance | None = None
        self._past: list[tuple[Utterance, list[Word], Verdict]] = []

    @property
    def activity(self) -> Activity:
        return self._segmenter.activity

    def feed(self, pcm: Samples) -> None:
        self._rest = np.concatenate([self._rest, pcm])
        while len(self._rest) >= WINDOW_SAMPLES:
            window, self._rest = self._rest[:WINDOW_SAMPLES], self._rest[WINDOW_SAMPLES:]
            self._segmenter.feed(window)
            self._window(window)
            self._next_ms += HOP_MS

    def _window(self, window: Samples) -> None:
        if self._utterance is not None:
            self._utterance.hear(self._next_ms, self._shape(band_powers(window, WINDOW_SAMPLES))[0])
            self._close_when_over(self._utterance)
            return
        self._recent.append(window)
        if self._segmenter.segment_start_ms is not None:
            self._utterance = self._begin(self._segmenter.segment_start_ms)
            self._recent.clear()

    def _begin(self, onset_ms: float) -> Utterance:
        """Learn the noise from before the onset, and hear what was kept from it on."""
        utterance = Utterance(self._book, onset_ms)
        powers = band_powers(np.concatenate(self._recent), WINDOW_SAMPLES)
        first_ms = self._next_ms - (len(powers) - 1) * HOP_MS
        quiet = int(max(0.0, (onset_ms - first_ms) // HOP_MS - LEAD_FRAMES))
        self._noise = powers[:quiet].mean(axis=0) if quiet else np.zeros(BANDS, np.float32)
        for i, row in enumerate(self._shape(powers[quiet:])):
            utterance.hear(first_ms + (quiet + i) * HOP_MS, row)
        return utterance

    def _close_when_over(self, utterance: Utterance) -> None:
        activity = self._segmenter.activity
        silence_ms = activity.heard_ms - (activity.last_sound_ms or 0.0)
        if not activity.speaking and utterance.over(silence_ms):
            verdict = utterance.verdict()
            closed = Verdict.UNKNOWN if verdict is Verdict.UNDECIDED else verdict
            self._past.append((utterance, utterance.words(), closed))
            self._utterance = None

    def _shape(self, power: Matrix) -> Matrix:
        return compress(power - self._noise) * self._book.band_scale

    def verdict_at(self, at_ms: float) -> Verdict:
        """Is the sound that contains `at_ms` known? Undecided where no sound was found yet."""
        if self._utterance is not None and self._utterance.onset_ms <= at_ms + HOP_MS:
            return self._utterance.verdict()
        for utterance, _, verdict in reversed(self._past):
            if utterance.onset_ms <= at_ms + HOP_MS:
                return verdict
        return Verdict.UNDECIDED

    def words(self) -> Sequence[Word]:
        past = [word for _, words, _ in self._past for word in words]
        return past + self._utterance.words() if self._utterance is not None else past

    async def settled(self, until_ms: float) -> Sequence[Word]:
        return self.words()

    def forget(self, before_ms: float) -> None:
        self._past = [past for past in self._past if past[0].heard_ms >= before_ms]

    async def aclose(self) -> None:
        self._past.clear()


def phrasebook_ears(recordings: Iterable[Recording]) -> Callable[[], PhrasebookEars]:
    """A maker of listeners that share one prepared phrasebook."""
    return Phrasebook(recordings).ears
