"""The timeline of a call: what began and ended when, in milliseconds from one zero."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@dataclass
class Span:
    """A stage with a begin and an end; `failed` says why it gave nothing."""

    name: str
    begin_ms: float
    end_ms: float | None = None
    failed: str | None = None


@dataclass(frozen=True)
class Mark:
    name: str
    at_ms: float


@dataclass
class Timeline:
    """Spans and marks of one stretch of a call.

    `zero_s` is a `time.time()`: the wall clock is the one that the worker, the server and the caller share.
    """

    zero_s: float
    clock_s: Callable[[], float] = time.time
    spans: list[Span] = field(default_factory=list[Span])
    marks: list[Mark] = field(default_factory=list[Mark])

    def now_ms(self) -> float:
        return self.at_ms(self.clock_s())

    def at_ms(self, when_s: float) -> float:
        """A `time.time()` as milliseconds of this timeline."""
        return (when_s - self.zero_s) * 1000

    def mark(self, name: str, when_s: float | None = None) -> None:
        """Note that `name` happened at `when_s` (default: now). Only the first time counts."""
        if self.get(name) is None:
            self.marks.append(Mark(name, self.now_ms() if when_s is None else self.at_ms(when_s)))

    def get(self, name: str) -> float | None:
        """When `name` happened, in ms, or None."""
        return next((mark.at_ms for mark in self.marks if mark.name == name), None)

    @contextmanager
    def span(self, name: str) -> Generator[Span]:
        """Time a stage. An exception passes through and leaves its type in `failed`."""
        span = Span(name, self.now_ms())
        self.spans.append(span)
        try:
            yield span
        except BaseException as error:
            span.failed = type(error).__name__
            raise
        finally:
            span.end_ms = self.now_ms()

    def add_span(self, name: str, begin_s: float, end_s: float) -> None:
        self.spans.append(Span(name, self.at_ms(begin_s), self.at_ms(end_s)))

    def as_dict(self) -> dict[str, Any]:
        """Plain data for JSON, times rounded to 0.1 ms."""
        return {
            "zero_s": round(self.zero_s, 4),
            "spans": [
                {
                    "name": span.name,
                    "begin_ms": round(span.begin_ms, 1),
                    "end_ms": None if span.end_ms is None else round(span.end_ms, 1),
                    "failed": span.failed,
                }
                for span in self.spans
            ],
            "marks": [{"name": mark.name, "at_ms": round(mark.at_ms, 1)} for mark in self.marks],
        }
