"""Which tracks of a room are too many: the newest, and never an agent's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from livekit.protocol.models import ParticipantInfo, TrackType

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rooms.limits.notice import Kind

KINDS: Mapping[TrackType, Kind] = {TrackType.AUDIO: "audio", TrackType.VIDEO: "video"}


@dataclass(frozen=True, slots=True)
class Track:
    """A track as LiveKit lists it. `published_us` orders the tracks of a room, and stays as it is."""

    sid: str
    kind: Kind
    identity: str
    published_us: int = 0
    muted: bool = False
    of_agent: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """`too_many` and `free` (which were too many before), the oldest first; `counts` of all that is published."""

    too_many: tuple[Track, ...] = ()
    free: tuple[Track, ...] = ()
    counts: Mapping[Kind, int] | None = None


def tracks_of(participants: Iterable[ParticipantInfo]) -> list[Track]:
    """All sound and pictures of a room but a recorder's, in the order in which they were published."""
    found = [
        Track(
            track.sid,
            KINDS[track.type],
            each.identity,
            track.version.unix_micro,
            track.muted,
            each.kind == ParticipantInfo.AGENT,
        )
        for each in participants
        if each.kind != ParticipantInfo.EGRESS
        for track in each.tracks
        if track.type in KINDS
    ]
    return sorted(found, key=lambda track: (track.published_us, track.sid))


class KnownTracks:
    """What is known of a room's tracks between two looks: that they were published, and which were too many."""

    def __init__(self) -> None:
        self._kinds: dict[str, Kind] = {}
        self._too_many: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(self._kinds)

    def count(self, kind: Kind) -> int:
        """Tracks that are known, some of which may be gone."""
        return sum(each == kind for each in self._kinds.values())

    def note(self, sid: str, kind: Kind) -> bool:
        """It was published; False if that was known."""
        known = sid in self._kinds
        self._kinds[sid] = kind
        return not known

    def drop(self, sid: str) -> None:
        """It is gone."""
        self._kinds.pop(sid, None)
        self._too_many -= {sid}

    def judge(self, listed: Sequence[Track], allowed: Mapping[Kind, int | None], late: Iterable[str] = ()) -> Verdict:
        """`listed` is the truth, in the order of publishing: all else is forgotten, but for what it may be `late` with.

        Nothing but the list says who is too many, so that two processes, and one that was restarted, say the same.
        """
        late = {*late}
        self._kinds = {sid: kind for sid, kind in self._kinds.items() if sid in late}
        self._kinds.update({track.sid: track.kind for track in listed})
        too_many: list[Track] = []
        counts: dict[Kind, int] = {}
        for kind, most in allowed.items():
            ours = sorted((track for track in listed if track.kind == kind), key=lambda track: not track.of_agent)
            counts[kind] = len(ours)
            if most is not None:
                too_many += [track for track in ours[most:] if not track.of_agent]
        now = frozenset(track.sid for track in too_many)
        free = tuple(track for track in listed if track.sid in self._too_many - now)
        self._too_many = now
        return Verdict(tuple(too_many), free, counts)
