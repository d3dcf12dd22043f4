"""What a call was like, in lines for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from examples.simple_test_client.talk import Talk, Turn

WIDTH = 22


def report(talk: Talk, *, identity: str, record: Path) -> list[str]:
    """Times in ms; a time that there is none of says why."""
    lines = [
        f"{'joined':<{WIDTH}}{talk.join_ms:6.0f} ms",
        f"{'time to first word':<{WIDTH}}{_time(talk.first_word_ms, 'nothing was said')}",
    ]
    for turn in talk.turns:
        lines += _turn(turn)
    recorded = f"{talk.recorded_s:.1f} s in {record}" if talk.recorded_s else "nothing, the other side sent no sound"
    lines += [f"{'recorded':<{WIDTH}}{recorded}", "", "transcript" if talk.lines else "no transcript"]
    lines += [f"  {'you' if line.who == identity else line.who}: {line.text.strip()}" for line in talk.lines]
    return lines


def _turn(turn: Turn) -> list[str]:
    played = turn.played
    p50, p99 = (float(value) for value in np.percentile(played.late_ms, (50, 99)))
    notes = [f"{played.duration_s:.1f} s", f"frames late p50 {p50:.1f}, p99 {p99:.1f} ms"]
    if played.torn_ms:
        notes.append(f"torn by {played.torn_ms:.0f} ms: this machine was too busy")
    if played.faults:
        notes.append(f"{played.faults} packets could not be decoded")
    why = "the file is silent" if played.last_audible_at is None else "no answer"
    return [
        f"{turn.file.name[: WIDTH - 1]:<{WIDTH}}{', '.join(notes)}",
        f"{'  response gap':<{WIDTH}}{_time(turn.gap_ms, why)}",
    ]


def _time(value_ms: float | None, why: str) -> str:
    return why if value_ms is None else f"{value_ms:6.0f} ms"
