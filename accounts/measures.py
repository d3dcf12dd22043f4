"""What a call gave, in the figures that variants are compared by."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from observe.call_log import SLOW_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from observe.observer import CallRecord

MOST_GAPS = 500
CALLER_CAME = "caller_came"
"""The mark of when the server let the caller in. The agent hears of them up to a second later, even after it spoke."""
LONGEST_WAIT_MS = 30_000.0
"""Whose caller was there longer before the dispatch is not the first agent of that call."""


@dataclass(frozen=True)
class Measures:
    """One call that a caller came to. Its minutes begin with that."""

    heard: bool
    """Whether the agent said anything before the caller left."""
    first_word_ms: float | None
    """From the server's letting the caller in to the first sound as it left here; None if it is not known."""
    gaps_ms: tuple[float, ...]
    """The agent's side of each response gap."""
    turns: int
    minutes: float
    cut_offs: int
    false_interruptions: int
    errors: int

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def measure_call(call: CallRecord) -> Measures | None:
    """None for a call that nobody came to."""
    joined_ms = call.start.get("caller_joined")
    if joined_ms is None:
        return None
    gaps_ms = [round(turn.gap_ms, 1) for turn in call.turns if turn.gap_ms is not None and math.isfinite(turn.gap_ms)]
    return Measures(
        heard=call.start.get("first_audible_sample") is not None,
        first_word_ms=_first_word_ms(call),
        gaps_ms=tuple(gaps_ms[:MOST_GAPS]),
        turns=len(call.turns),
        minutes=round(max(call.duration_s - joined_ms / 1000, 0.0) / 60, 4),
        cut_offs=call.cut_offs,
        false_interruptions=call.tally.false_interruptions,
        errors=len(call.errors),
    )


def read_measures(values: Mapping[str, Any]) -> Measures:
    """What `as_dict` gave, from JSON. Raises ValueError for anything else."""
    try:
        first_word_ms = values["first_word_ms"]
        found = Measures(
            heard=bool(values["heard"]),
            first_word_ms=None if first_word_ms is None else float(first_word_ms),
            gaps_ms=tuple(float(gap_ms) for gap_ms in values["gaps_ms"]),
            turns=int(values["turns"]),
            minutes=float(values["minutes"]),
            cut_offs=int(values["cut_offs"]),
            false_interruptions=int(values["false_interruptions"]),
            errors=int(values["errors"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"not what a call gave: {error!r}") from None
    if not all(map(math.isfinite, (found.first_word_ms or 0.0, found.minutes, *found.gaps_ms))):
        raise ValueError("not what a call gave: a figure that is none")
    return found


@dataclass(frozen=True)
class Measure:
    """Less is better in each of them. It has either the times of a call, or what is counted and per what."""

    title: str
    unit: str
    times: Callable[[Measures], Sequence[float]] | None = None
    rate: Callable[[Measures], tuple[float, float]] | None = None
    scale: float = 1.0
    """By which a rate is multiplied to be in `unit`."""


def _first_words(call: Measures) -> Sequence[float]:
    return () if call.first_word_ms is None else (call.first_word_ms,)


def _slow_gaps(call: Measures) -> tuple[float, float]:
    return sum(gap_ms > SLOW_MS for gap_ms in call.gaps_ms), len(call.gaps_ms)


MEASURES = (
    Measure("first word", "ms", times=_first_words),
    Measure("response gap", "ms", times=lambda call: call.gaps_ms),
    Measure("slow replies", "of 100 replies", rate=_slow_gaps, scale=100),
    Measure("cut-offs", "of 100 turns", rate=lambda call: (call.cut_offs, call.turns), scale=100),
    Measure("false interruptions", "a minute", rate=lambda call: (call.false_interruptions, call.minutes)),
    Measure("errors", "a call", rate=lambda call: (call.errors, 1)),
    Measure("left unheard", "of 100 calls", rate=lambda call: (not call.heard, 1), scale=100),
)


def _first_word_ms(call: CallRecord) -> float | None:
    heard_ms, came_ms = call.start.get("first_audible_sample"), call.start.get(CALLER_CAME)
    if heard_ms is None or came_ms is None or came_ms < -LONGEST_WAIT_MS:
        return None
    return round(heard_ms - came_ms, 1)
