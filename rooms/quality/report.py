"""What is known about the quality, as plain data: for `get_performance_stats()`, for JSON, for a person."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, TypedDict

from rooms.quality.score import GRADES

if TYPE_CHECKING:
    from rooms.quality.api_quality import ApiQuality
    from rooms.quality.call_link import ParticipantQuality, RoomQuality, Verdict
    from rooms.quality.monitor import QualityMonitor, Scope
    from rooms.quality.score import Grade

VERSION = 1


class ApiStats(TypedDict):
    """Fields as in `rooms.quality.api_quality.ApiQuality`."""

    state: str
    size: int
    idle: int
    in_use: int
    waiting: int
    requests: int
    failures: int
    success_rate: float | None
    latency_ms: float | None
    score: float | None
    grade: Grade | None


class ParticipantStats(TypedDict):
    """Fields as in `rooms.quality.call_link.ParticipantQuality`."""

    identity: str
    is_agent: bool
    verdict: Verdict
    loss: float | None
    jitter_ms: float | None
    round_trip_ms: float | None
    score: float | None
    grade: Grade | None


class RoomStats(TypedDict):
    """`strained`: its page was told to hold sound back longer."""

    room: str
    score: float | None
    grade: Grade | None
    success_rate: float | None
    strained: bool
    participants: list[ParticipantStats]


class AlertStats(TypedDict):
    """Alerts below `min_success_rate`: how many go on, and how many there were."""

    now: int
    total: int


class Alerts(TypedDict):
    api: AlertStats
    room: AlertStats


class QualityStats(TypedDict):
    """`score` and `grade`: the worst of the API and of all rooms; None before anything was measured."""

    v: int
    score: float | None
    grade: Grade | None
    api: ApiStats | None
    rooms: list[RoomStats]
    alerts: Alerts
    strains: int


def quality_stats(monitor: QualityMonitor) -> QualityStats:
    """JSON-able. As of the last look at each; the rooms by name."""
    rooms = sorted(monitor.rooms, key=lambda quality: quality.room)
    judged = [each for each in (monitor.api, *rooms) if each is not None and each.score is not None]
    worst = min(judged, key=_score, default=None)
    strained = monitor.strained
    return QualityStats(
        v=VERSION,
        score=None if worst is None else worst.score,
        grade=None if worst is None else worst.grade,
        api=None if monitor.api is None else ApiStats(**asdict(monitor.api)),
        rooms=[_room(quality, strained=quality.room in strained) for quality in rooms],
        alerts=Alerts(api=_alerts(monitor, "api"), room=_alerts(monitor, "room")),
        strains=monitor.strains,
    )


def rooms_by_grade(rooms: tuple[RoomQuality, ...]) -> dict[Grade, int]:
    """How many calls have each grade; those without one are not counted."""
    return {name: sum(quality.grade == name for quality in rooms) for name in GRADES}


def _room(quality: RoomQuality, *, strained: bool) -> RoomStats:
    return RoomStats(
        room=quality.room,
        score=quality.score,
        grade=quality.grade,
        success_rate=quality.success_rate,
        strained=strained,
        participants=[_participant(each) for each in quality.participants],
    )


def _participant(quality: ParticipantQuality) -> ParticipantStats:
    return ParticipantStats(**asdict(quality))


def _alerts(monitor: QualityMonitor, scope: Scope) -> AlertStats:
    return AlertStats(now=monitor.alerting(scope), total=monitor.alerts(scope))


def _score(quality: ApiQuality | RoomQuality) -> float:
    return 1.0 if quality.score is None else quality.score
