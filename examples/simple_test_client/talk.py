"""One call: the greeting, each file with its answer, the recording. What came of it is a value."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from examples.simple_test_client.audio_utils import Played
    from examples.simple_test_client.client import Client
    from examples.simple_test_client.transcript import Line
    from sim.received_audio import ReceivedAudio

QUIET_S = 1.0
"""Longer than any pause between two sentences of an answer."""
QUIET_LIMIT_S = 60.0


@dataclass(frozen=True)
class Turn:
    """`gap_ms`: last audible sample of the file to the first one of the answer; None if there was no answer."""

    file: Path
    played: Played
    gap_ms: float | None


@dataclass
class Talk:
    """`first_word_ms`: the call to connect until the first audible sample; None if nothing was said."""

    join_ms: float = 0.0
    first_word_ms: float | None = None
    turns: list[Turn] = field(default_factory=list[Turn])
    lines: list[Line] = field(default_factory=list["Line"])
    recorded_s: float = 0.0

    @property
    def answered(self) -> bool:
        return all(turn.gap_ms is not None for turn in self.turns)


async def talk(
    client: Client, files: Sequence[Path], record: Path, *, limit_s: float, said: Callable[[str], None]
) -> Talk:
    """`limit_s`: how long is waited for the first word, and for each answer. `said` gets a line a step.

    What was heard is recorded and what was said is told also where the call breaks off. Raises AudioFileError and
    ClientError.
    """
    result = Talk()
    try:
        async with client:
            result.join_ms = (client.joined_at - client.called_at) * 1000
            first = await client.first_word(limit_s)
            result.first_word_ms = None if first is None else (first - client.called_at) * 1000
            await client.quiet(QUIET_S, QUIET_LIMIT_S)
            for file in files:
                said(f"playing {file.name}")
                played = await client.play(file)
                begun = await client.reply(played, limit_s)
                spoken_at = played.last_audible_at
                gap_ms = None if begun is None or spoken_at is None else (begun - spoken_at) * 1000
                result.turns.append(Turn(file, played, gap_ms))
                await client.quiet(QUIET_S, QUIET_LIMIT_S)
    finally:
        result.lines = client.transcript.lines
        result.recorded_s = await asyncio.to_thread(_record, client.heard, record)
    return result


def _record(heard: Sequence[ReceivedAudio], file: Path) -> float:
    """Write the track that brought most; returns its length in s, 0 without any."""
    tracks = {len(track.pcm) / track.sample_rate_hz: track for track in heard}
    longest_s = max(tracks, default=0.0)
    if longest_s:
        tracks[longest_s].write_wav(file)
    return longest_s
