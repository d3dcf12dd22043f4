"""What was audible in received or sent audio, and exactly when. Pure: samples and clock readings in, numbers out.

Times are seconds of `time.perf_counter()`. Audio is mono int16. Sample `i` of a stream occupies the time from
`time_of(i)` to `time_of(i + 1)`, one sample period later.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Pcm: TypeAlias = NDArray[np.int16]

FULL_SCALE = 32768.0
# Blocks that are looked at beyond a sample's own, to date a block that its reader picked up late.
LATE_BLOCK_WINDOW_S = 0.2


@dataclass(frozen=True)
class Gate:
    """What counts as audible.

    A span opens with `open_windows` windows in a row of at least `open_dbfs` (RMS, relative to a full-scale square
    wave) and ends with the last window of at least `close_dbfs` before `hang_ms` below it. Opus comfort noise and
    the decaying tail of its filters are under -60 dBFS; speech is above -35.
    """

    open_dbfs: float = -45.0
    close_dbfs: float = -51.0
    window_ms: float = 5.0
    open_windows: int = 2
    hang_ms: float = 40.0


@dataclass(frozen=True)
class Span:
    """Audible samples `begin` (inclusive) to `end` (exclusive); `end` is None while the sound goes on."""

    begin: int
    end: int | None


class AudibleDetector:
    """Finds the audible spans of a stream that is fed in blocks of any size; the block borders do not matter."""

    def __init__(self, sample_rate_hz: int, gate: Gate | None = None) -> None:
        gate = gate or Gate()
        self._window = max(1, round(sample_rate_hz * gate.window_ms / 1000))
        self._open_level = _amplitude(gate.open_dbfs)
        self._close_level = _amplitude(gate.close_dbfs)
        self._open_windows = gate.open_windows
        self._hang_windows = max(1, round(gate.hang_ms / gate.window_ms))
        self._rest: Pcm = np.zeros(0, np.int16)
        self._position = 0
        self._loud_run = 0
        self._quiet_run = 0
        self._candidate = 0
        self._begin: int | None = None
        self._last_audible = 0
        self._closed: list[Span] = []

    @property
    def spans(self) -> list[Span]:
        """In order; the last one is open while it sounds."""
        return [*self._closed, Span(self._begin, None)] if self._begin is not None else list(self._closed)

    @property
    def span_count(self) -> int:
        return len(self._closed) + (self._begin is not None)

    @property
    def sounding(self) -> bool:
        """True from the opening of a span until `hang_ms` after its last audible sample."""
        return self._begin is not None

    @property
    def end_of_sound(self) -> int | None:
        """One past the last sample so far that was audible; None if there was none."""
        if self._begin is not None:
            return self._last_audible
        return self._closed[-1].end if self._closed else None

    def feed(self, block: Pcm) -> None:
        samples = np.concatenate((self._rest, block)) if len(self._rest) else block
        count = len(samples) // self._window
        if count:
            windows = samples[: count * self._window].reshape(count, self._window)
            values = windows.astype(np.float32)
            levels = np.sqrt(np.einsum("ij,ij->i", values, values) / self._window)
            if self._begin is None and float(levels.max()) < self._open_level:
                self._loud_run = 0
                self._position += count * self._window
            else:
                for window, level in zip(windows, levels, strict=True):
                    self._take(window, float(level))
        self._rest = samples[count * self._window :].copy()

    def finish(self) -> None:
        """The stream is over: a span that is still open ends with its last audible sample."""
        if self._begin is not None:
            self._closed.append(Span(self._begin, self._last_audible))
            self._begin = None

    def _take(self, window: Pcm, level: float) -> None:
        start, self._position = self._position, self._position + self._window
        if self._begin is None:
            if level < self._open_level:
                self._loud_run = 0
                return
            if self._loud_run == 0:
                self._candidate = start + _first_at_least(window, self._open_level)
            self._loud_run += 1
            if self._loud_run >= self._open_windows:
                self._begin, self._loud_run, self._quiet_run = self._candidate, 0, 0
                self._last_audible = start + _last_at_least(window, self._close_level) + 1
        elif level >= self._close_level:
            self._quiet_run = 0
            self._last_audible = start + _last_at_least(window, self._close_level) + 1
        else:
            self._quiet_run += 1
            if self._quiet_run >= self._hang_windows:
                self.finish()


class SampleClock:
    """Dates the samples of a stream by the arrivals of its blocks.

    A block that arrives at `t` ends at `t`: its last sample ended then, the ones before it one sample period
    earlier each. A block that was picked up late (a busy event loop) is dated by the blocks after it: what is
    audible runs at the sample rate, so the earliest date that any block of the next 200 ms implies is the truth.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate = sample_rate_hz
        self._ends: list[int] = []
        self._arrivals: list[float] = []

    @property
    def samples(self) -> int:
        """Samples stamped so far: the end of the last block."""
        return self._ends[-1] if self._ends else 0

    def stamp(self, samples: int, arrived_at: float) -> None:
        """A block of `samples` samples ended at `arrived_at`."""
        self._ends.append(self.samples + samples)
        self._arrivals.append(arrived_at)

    def time_of(self, sample: int) -> float:
        """When the sample with this index began to sound. ValueError if nothing has been stamped."""
        if not self._ends:
            raise ValueError("no block has been stamped yet")
        first = min(bisect.bisect_right(self._ends, sample), len(self._ends) - 1)
        limit = self._ends[first] + LATE_BLOCK_WINDOW_S * self._rate
        earliest = float("inf")
        for index in range(first, len(self._ends)):
            if self._ends[index] > limit:
                break
            earliest = min(earliest, self._arrivals[index] - (self._ends[index] - sample) / self._rate)
        return earliest


def audible_spans(pcm: Pcm, sample_rate_hz: int, gate: Gate | None = None) -> list[Span]:
    """All audible spans of a finished recording."""
    detector = AudibleDetector(sample_rate_hz, gate)
    detector.feed(pcm)
    detector.finish()
    return detector.spans


def first_audible(pcm: Pcm, sample_rate_hz: int, gate: Gate | None = None) -> int | None:
    """Index of the first audible sample; None in silence."""
    spans = audible_spans(pcm, sample_rate_hz, gate)
    return spans[0].begin if spans else None


def last_audible(pcm: Pcm, sample_rate_hz: int, gate: Gate | None = None) -> int | None:
    """Index of the last audible sample; None in silence."""
    spans = audible_spans(pcm, sample_rate_hz, gate)
    return spans[-1].end - 1 if spans and spans[-1].end is not None else None


def response_gap_ms(last_spoken_at: float, first_audible_at: float) -> float:
    """The caller's last audible sample to the reply's first one; negative if the reply cut the caller off."""
    return (first_audible_at - last_spoken_at) * 1000


def _amplitude(dbfs: float) -> float:
    return FULL_SCALE * 10 ** (dbfs / 20)


def _first_at_least(window: Pcm, level: float) -> int:
    return int(np.argmax(np.abs(window.astype(np.int32)) >= level))


def _last_at_least(window: Pcm, level: float) -> int:
    return len(window) - 1 - _first_at_least(window[::-1], level)
