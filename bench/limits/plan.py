"""What `bench limits` is asked for."""

from __future__ import annotations

from dataclasses import dataclass

PARTS = ("rooms", "kills", "participants", "tracks")


@dataclass(frozen=True)
class Options:
    """`creations` at once for `most_rooms`, by one process and by `processes`; `kills` of one in the middle of it."""

    creations: int = 200
    most_rooms: int = 10
    processes: int = 4
    kills: int = 10
    participants: int = 50
    audio_tracks: int = 20
    video_tracks: int = 10
    seed: int = 1
    parts: tuple[str, ...] = PARTS


def parse_parts(text: str) -> tuple[str, ...]:
    """Raises ValueError for what is no part."""
    if text == "all":
        return PARTS
    chosen = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    for part in chosen:
        if part not in PARTS:
            raise ValueError(f"got {part!r}, must be 'all' or of {', '.join(PARTS)}")
    return chosen
