"""The network of one call, look by look: each participant whose sound comes here, and the agent's own."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from livekit import rtc

from rooms.quality.link_reading import TrackLink, TrackReading, link_between, read_track
from rooms.quality.score import LINK_HALF_MS, Grade, grade, quality_score

if TYPE_CHECKING:
    from collections.abc import Callable

    from rooms.performance.sections import QualityMonitoring

Verdict = Literal["unknown", "lost", "poor", "good", "excellent"]
"""What the server says of a participant, their hearing included. It comes late: each 5 s, smoothed."""
VERDICTS: dict[rtc.ConnectionQuality, Verdict] = {
    rtc.ConnectionQuality.QUALITY_LOST: "lost",
    rtc.ConnectionQuality.QUALITY_POOR: "poor",
    rtc.ConnectionQuality.QUALITY_GOOD: "good",
    rtc.ConnectionQuality.QUALITY_EXCELLENT: "excellent",
}
BAD: tuple[Verdict, ...] = ("lost", "poor")


@dataclass(frozen=True)
class ParticipantQuality:
    """Between two looks. None: not measured, because nothing was sent or it is the first look.

    Of another participant: how their sound arrives at the agent. Of the agent, `is_agent`: how its sound arrives at
    the server. `round_trip_ms` is the agent's to the server and back.
    """

    identity: str
    is_agent: bool
    verdict: Verdict
    loss: float | None = None
    jitter_ms: float | None = None
    round_trip_ms: float | None = None
    score: float | None = None
    grade: Grade | None = None


@dataclass(frozen=True)
class RoomQuality:
    """`score` is that of the worst participant, `success_rate` the smallest share of packets that arrived."""

    room: str
    participants: tuple[ParticipantQuality, ...] = ()
    score: float | None = None
    grade: Grade | None = None
    success_rate: float | None = None

    @property
    def worst(self) -> ParticipantQuality | None:
        return min((each for each in self.participants if each.score is not None), key=_score, default=None)

    @property
    def is_doubted(self) -> bool:
        """The server says of one of them that it is bad."""
        return any(each.verdict in BAD for each in self.participants)


@dataclass(frozen=True)
class _Readings:
    """Of one track: of the last look, and of the one up to which packets were judged."""

    last: TrackReading
    counted: TrackReading


class CallLink:
    """Remembers two readings of each track that there is; nothing else grows."""

    def __init__(self, room: rtc.Room, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._room = room
        self._clock_s = clock_s
        self._readings: dict[str, _Readings] = {}
        self._round_trip_ms: float | None = None

    async def look(self, thresholds: QualityMonitoring) -> RoomQuality:
        """What has been since the last look. About 1 ms of the loop for each track of sound."""
        kept: dict[str, _Readings] = {}
        measured: list[tuple[rtc.Participant, TrackLink | None]] = []
        for participant, publication in self._sounding():
            link, readings = await self._link(participant, publication)
            if readings is not None:
                kept[publication.sid] = readings
            if link is not None and link.round_trip_ms is not None:
                self._round_trip_ms = link.round_trip_ms
            measured.append((participant, link))
        self._readings = kept
        participants = tuple(self._judged(participant, link, thresholds) for participant, link in measured)
        scores = [each.score for each in participants if each.score is not None]
        losses = [each.loss for each in participants if each.loss is not None]
        return RoomQuality(
            self._room.name,
            participants,
            score=min(scores, default=None),
            grade=grade(min(scores), thresholds) if scores else None,
            success_rate=1 - max(losses) if losses else None,
        )

    def _sounding(self) -> list[tuple[rtc.Participant, rtc.TrackPublication]]:
        """Whose sound comes here or goes from here, by the first of their tracks: the network is the same for all."""
        found: list[tuple[rtc.Participant, rtc.TrackPublication]] = []
        for participant in (*self._room.remote_participants.values(), self._room.local_participant):
            for publication in participant.track_publications.values():
                if publication.kind == rtc.TrackKind.KIND_AUDIO and publication.track is not None:
                    found.append((participant, publication))
                    break
        return found

    async def _link(
        self, participant: rtc.Participant, publication: rtc.TrackPublication
    ) -> tuple[TrackLink | None, _Readings | None]:
        """What has been since the last look, and what the next one is to be compared with."""
        before = self._readings.get(publication.sid)
        now = None if publication.track is None else await read_track(publication.track, self._clock_s())
        if now is None:
            return None, before
        if before is None:
            return None, _Readings(now, now)
        own = participant is self._room.local_participant
        link = link_between(before.last, now, counted=before.counted, sounding=not own and not publication.muted)
        return link, _Readings(now, before.counted if link.loss is None else now)

    def _judged(
        self, participant: rtc.Participant, link: TrackLink | None, thresholds: QualityMonitoring
    ) -> ParticipantQuality:
        verdict: Verdict = VERDICTS.get(participant.connection_quality, "unknown")
        own = participant is self._room.local_participant
        if link is None or (link.loss is None and self._round_trip_ms is None):
            return ParticipantQuality(participant.identity, own, verdict)
        # A buffer that is to hold the jitter back is about twice as long.
        latency_ms = (self._round_trip_ms or 0.0) + 2 * link.jitter_ms
        score = quality_score(1 - (link.loss or 0.0), latency_ms, half_ms=LINK_HALF_MS)
        return ParticipantQuality(
            participant.identity,
            own,
            verdict,
            link.loss,
            link.jitter_ms,
            self._round_trip_ms,
            score,
            grade(score, thresholds),
        )


def _score(participant: ParticipantQuality) -> float:
    return 1.0 if participant.score is None else participant.score
